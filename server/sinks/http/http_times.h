#pragma once

#include <cstdint>

#include "protocols/core/batch.h"

namespace penstock {

/// For servers that take two records of the same time and text (Loki), or of the same time and series (InfluxDB), for one.
///
/// All that a loop reads in one turn has the same time of receipt. A record's form adds its index in the batch to that, in
/// nanoseconds; this keeps batches apart, of one turn and of several loops: each begins behind the one before it.
class DistinctTimes {
 public:
  /// By how many nanoseconds the times of `batch` are to be moved, so that its first one is later than all of the batch
  /// before it. Zero where that would be more than kMostNs: the clock was set, or a loop was held up.
  std::int64_t shift_ns(const Batch& batch) noexcept;

 private:
  static constexpr std::int64_t kMostNs = 1'000'000'000;

  std::int64_t next_ns_ = INT64_MIN;  // behind all of the batch before
};

}  // namespace penstock
