#pragma once

#include <chrono>
#include <cstdint>

namespace penstock {

/// The time of one loop turn: one clock read serves every record of the turn. Time is a parameter everywhere below
/// the loops, so that it can be tested.
struct Now {
  std::int64_t wall_ns = 0;                ///< CLOCK_REALTIME, nanoseconds since 1970 UTC
  std::chrono::milliseconds monotonic{0};  ///< the loop's clock; only differences mean something
};

}  // namespace penstock
