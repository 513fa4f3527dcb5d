#include "server/net/admission.h"

namespace penstock {
namespace {

/// Adds one unless that would pass `max` (0: no limit).
bool take_one(std::atomic<std::size_t>& used, std::size_t max, bool always) noexcept {
  const std::size_t before = used.fetch_add(1, std::memory_order_relaxed);
  if (always || max == 0 || before < max) return true;
  used.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

}  // namespace

const char* to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::kServer: return "server.max_connections";
    case Refusal::kListener: return "max_connections";
    case Refusal::kPeer: return "max_connections_per_peer";
    case Refusal::kNone: break;
  }
  return "none";
}

bool ConnectionBudget::take(bool always) noexcept {
  return take_one(used_, max_, always || beyond_ == Beyond::kWait);
}

bool Admission::take_peer(const Peer& peer, bool always) {
  if (max_per_peer_ == 0) return true;
  const std::lock_guard lock(mutex_);
  std::size_t& count = peers_[address_text(peer)];
  if (!always && count >= max_per_peer_) return false;
  ++count;
  return true;
}

Refusal Admission::admit(const Peer& peer, bool always) {
  if (!budget_.take(always)) return Refusal::kServer;
  if (!take_one(used_, max_, always)) {
    budget_.give_back();
    return Refusal::kListener;
  }
  if (!take_peer(peer, always)) {
    used_.fetch_sub(1, std::memory_order_relaxed);
    budget_.give_back();
    return Refusal::kPeer;
  }
  return Refusal::kNone;
}

void Admission::leave(const Peer& peer) {
  if (max_per_peer_ != 0) {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(address_text(peer));
    if (found != peers_.end() && --found->second == 0) peers_.erase(found);
  }
  used_.fetch_sub(1, std::memory_order_relaxed);
  budget_.give_back();
}

}  // namespace penstock
