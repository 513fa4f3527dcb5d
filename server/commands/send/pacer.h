#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace penstock {

/// When how many records may go out, so that a rate is kept in small bursts. Pure arithmetic: time is a parameter, in
/// nanoseconds of any monotonic clock. A sender that comes late catches up, but for at most 100 ms: after a longer
/// pause (a blocked peer) the schedule begins anew instead of a flood.
class Pacer {
 public:
  static constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

  /// `rate` records a second, 0 is no limit. A burst is a quarter of a millisecond's records, at least one.
  Pacer(double rate, std::int64_t start_ns) noexcept;

  /// Records that may be sent at `now_ns` when `sent` were before; 0: wait until due_ns(sent).
  std::uint64_t quota(std::int64_t now_ns, std::uint64_t sent) noexcept;
  /// When record number `sent` (from 0) is due.
  std::int64_t due_ns(std::uint64_t sent) const noexcept;

 private:
  double rate_;
  std::uint64_t burst_;
  std::int64_t start_ns_;
  std::uint64_t start_sent_ = 0;
};

}  // namespace penstock
