#include "server/sinks/http/http_times.h"

namespace penstock {

std::int64_t DistinctTimes::shift_ns(const Batch& batch) noexcept {
  if (batch.segments.empty()) return 0;
  const std::int64_t first_ns = batch.segments.front().time_ns;
  const bool overlaps = next_ns_ > first_ns && next_ns_ - first_ns <= kMostNs;
  const std::int64_t shift = overlaps ? next_ns_ - first_ns : 0;
  next_ns_ = batch.segments.back().time_ns + static_cast<std::int64_t>(batch.frames.size()) + shift;
  return shift;
}

}  // namespace penstock
