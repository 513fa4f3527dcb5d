#pragma once

#include <sys/prctl.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace penstock {

/// CLOCK_MONOTONIC in nanoseconds.
inline std::int64_t monotonic_ns() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

/// A time left, for poll(): never negative, rounded up, a minute at most.
inline int poll_milliseconds(std::int64_t left_ns) noexcept {
  return static_cast<int>(std::clamp<std::int64_t>((left_ns + 999'999) / 1'000'000, 0, 60'000));
}

/// Makes this thread's waits end when they are due: bursts are closer together than the default timer slack of 50 us.
inline void tighten_timers() noexcept {
  constexpr unsigned long kSlackNs = 1;
  ::prctl(PR_SET_TIMERSLACK, kSlackNs, 0UL, 0UL, 0UL);
}

/// Nanoseconds as the kernel wants them; a negative time is 0.
inline timespec to_timespec(std::int64_t ns) noexcept {
  const std::int64_t positive = std::max<std::int64_t>(ns, 0);
  return {positive / 1'000'000'000, positive % 1'000'000'000};
}

}  // namespace penstock
