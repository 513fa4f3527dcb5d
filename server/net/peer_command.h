#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "protocols/core/peer.h"

namespace penstock {

/// Gives a unix peer the name of its process, from /proc/PID/comm: some 3 us. None where the process has ended, where
/// /proc does not show it (another pid namespace, hidepid, ProtectProc), or where the pid is not known (0). A process that
/// got the number of one that has just ended is not told from it.
void read_command(Peer& peer) noexcept;

/// The same for senders that come again with every datagram: remembers the last names for a second, so that a process
/// that is replaced by another (exec, a pid used again) is soon called by its own name. One loop.
class CommandCache {
 public:
  static constexpr std::chrono::milliseconds kLifetime{1000};

  /// `now` on Now::monotonic.
  void add_command(Peer& peer, std::chrono::milliseconds now) noexcept;

 private:
  static constexpr std::size_t kEntries =
      256;  ///< by the pid's low bits; two senders may share one and take turns

  struct Entry {
    std::int32_t pid = 0;
    std::chrono::milliseconds expires{0};
    std::array<std::uint8_t, 16> command{};  // as in Peer::address
  };
  std::array<Entry, kEntries> entries_;
};

}  // namespace penstock
