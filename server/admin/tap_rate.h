#pragma once

#include <algorithm>
#include <chrono>

namespace penstock::admin {

/// Lets through so many records a second, a second's worth of them at once. Between two bursts they come evenly, so that
/// they are a sample of the whole time. The clock is a parameter; any monotonic one.
class TapRate {
 public:
  explicit TapRate(unsigned records_per_second) noexcept
      : interval_(std::chrono::nanoseconds(std::chrono::seconds(1)) / records_per_second) {}

  bool allow(std::chrono::nanoseconds now) noexcept {
    const auto at = std::max(next_, now);
    if (at - now > std::chrono::seconds(1) - interval_) return false;
    next_ = at + interval_;
    return true;
  }

 private:
  const std::chrono::nanoseconds interval_;
  std::chrono::nanoseconds next_{0};  // when the next one were due if all came evenly
};

}  // namespace penstock::admin
