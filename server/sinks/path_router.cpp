#include "server/sinks/path_router.h"

#include <cstring>

#include "protocols/core/timestamp.h"

namespace penstock {
namespace {

constexpr std::size_t kMaxKnown =
    16384;  // paths remembered; a flood of spoofed peers must not eat memory

std::int64_t floor_seconds(std::int64_t time_ns) noexcept {
  return time_ns / kNanosPerSecond - (time_ns % kNanosPerSecond < 0 ? 1 : 0);
}

}  // namespace

std::size_t PathRouter::KeyHash::operator()(const Key& key) const noexcept {
  std::uint64_t hash = 0;
  for (const std::uint64_t word : key) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash;
}

PathRouter::Key PathRouter::key_of(const Segment& segment) const noexcept {
  Key key{};
  if (path_.uses_origin()) key[0] = reinterpret_cast<std::uintptr_t>(segment.origin);
  if (path_.uses_peer()) {  // exactly what address_text shows: the port and the zone are not in it
    const Peer& peer = segment.peer;
    key[1] = static_cast<std::uint64_t>(peer.kind);
    if (peer.kind == Peer::Kind::kUnix) {
      key[2] = peer.uid;
    } else {
      std::memcpy(&key[2], peer.address.data(), peer.address.size());
    }
  }
  return key;
}

void PathRouter::update_time(std::int64_t time_ns) {
  const std::int64_t second = floor_seconds(time_ns);
  if (second == second_) return;
  second_ = second;
  std::string time = path_.time_text(second);
  if (time == time_) return;
  time_ = std::move(time);
  ++epoch_;
  known_.clear();
  last_ = nullptr;
}

void PathRouter::advance(std::int64_t now_ns) {
  if (path_.uses_time() && floor_seconds(now_ns) > second_) update_time(now_ns);
}

OutFile& PathRouter::file_for(const Segment& segment) {
  if (last_ != nullptr && path_.is_static()) return *last_;
  if (path_.uses_time()) update_time(segment.time_ns);
  const Key key = key_of(segment);
  if (last_ != nullptr && key == last_key_) return *last_;
  OutFile*& file = known_[key];
  if (file == nullptr) file = &files_.find(path_.render(segment, time_));
  file->epoch = epoch_;
  file->rendered = second_;
  last_key_ = key;
  last_ = file;
  return *file;
}

bool PathRouter::is_path_of(const OutFile& file, std::int64_t second) const {
  return !path_.uses_time() || path_.time_text(file.rendered) == path_.time_text(second);
}

void PathRouter::begin_batch() {
  if (files_.known() <= kMaxKnown && known_.size() <= kMaxKnown && swept_epoch_ == epoch_) return;
  swept_epoch_ = epoch_;
  known_.clear();
  last_ = nullptr;
  files_.forget_closed();
}

}  // namespace penstock
