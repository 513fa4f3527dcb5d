#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "protocols/core/peer.h"

namespace penstock {

/// Why a connection is refused; the value of `limit=` in the log.
enum class Refusal : std::uint8_t { kNone, kServer, kListener, kPeer };
const char* to_string(Refusal refusal) noexcept;

/// Connections of the whole process. Any loop.
class ConnectionBudget {
 public:
  /// What happens to the connection that is one too many.
  enum class Beyond : std::uint8_t {
    kRefuse,  ///< a limit that somebody has set: accepted, told so by FIN, its bytes discarded
    kWait,    ///< what the descriptors allow: stays in the accept queue, its bytes with the peer
  };

  /// `max_connections` are served; up to `max_refusals` more may be under refusal at the same time.
  ConnectionBudget(std::size_t max_connections, std::size_t max_refusals,
                   Beyond beyond = Beyond::kRefuse) noexcept
      : max_(max_connections), max_refusals_(max_refusals), beyond_(beyond) {}

  /// Takes a place, over the limit too when `always` (a stop empties its accept queues whatever the limits say).
  bool take(bool always) noexcept;
  void give_back() noexcept { used_.fetch_sub(1, std::memory_order_relaxed); }
  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::size_t limit() const noexcept { return max_; }

  /// Refusals that are being read to their end. When none is left the oldest is ended early; where that takes a while
  /// (no privilege to freeze it at once) accepting waits from twice as many on, and the rest stays in the accept queue.
  bool refusals_left() const noexcept {
    return refusals_.load(std::memory_order_relaxed) < max_refusals_;
  }
  bool accepting_waits() const noexcept {
    return is_full() || refusals_.load(std::memory_order_relaxed) >= 2 * max_refusals_;
  }
  /// As many are open as the descriptors allow, those on their way to their loop included.
  bool is_full() const noexcept {
    return beyond_ == Beyond::kWait && open_.load(std::memory_order_relaxed) >= max_;
  }
  void opened() noexcept { open_.fetch_add(1, std::memory_order_relaxed); }
  void closed() noexcept { open_.fetch_sub(1, std::memory_order_relaxed); }
  void begin_refusal() noexcept { refusals_.fetch_add(1, std::memory_order_relaxed); }
  void end_refusal() noexcept { refusals_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  std::atomic<std::size_t> used_{0}, refusals_{0}, open_{0};
  std::size_t max_, max_refusals_;
  Beyond beyond_;
};

/// Admission to one listener: its own limit and the one per peer address, after the process's. admit() and leave() are
/// called on any loop; the per-peer map is locked, and only kept where there is such a limit.
class Admission {
 public:
  Admission(ConnectionBudget& budget, std::size_t max_connections,
            std::size_t max_per_peer) noexcept
      : budget_(budget), max_(max_connections), max_per_peer_(max_per_peer) {}

  /// kNone: admitted, leave() must follow. `always` ignores the limits but still counts.
  Refusal admit(const Peer& peer, bool always);
  void leave(const Peer& peer);

  ConnectionBudget& budget() noexcept { return budget_; }
  std::size_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  bool take_peer(const Peer& peer, bool always);

  ConnectionBudget& budget_;
  std::size_t max_, max_per_peer_;
  std::atomic<std::size_t> used_{0};
  std::mutex mutex_;
  std::map<std::string, std::size_t>
      peers_;  // under mutex_; address_text() of those that are connected
};

}  // namespace penstock
