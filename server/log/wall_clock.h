#pragma once

#include <cstdint>
#include <ctime>

namespace penstock {

/// CLOCK_REALTIME in nanoseconds since 1970 UTC, read from the kernel now.
inline std::int64_t wall_clock_ns() noexcept {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return wall.tv_sec * std::int64_t{1'000'000'000} + wall.tv_nsec;
}

}  // namespace penstock
