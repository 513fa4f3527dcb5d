#include "server/pipeline/histogram.h"

#include <algorithm>

#include "protocols/core/check.h"

namespace penstock {

HistogramTotals& HistogramTotals::operator+=(const HistogramTotals& other) {
  if (bounds.empty()) return *this = other;
  PENSTOCK_CHECK(bounds.data() == other.bounds.data());
  for (std::size_t at = 0; at < counts.size(); ++at) counts[at] += other.counts[at];
  count += other.count;
  sum += other.sum;
  return *this;
}

void Histogram::add(std::uint64_t value, std::uint64_t times) noexcept {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(times, std::memory_order_relaxed);
  sum_.fetch_add(static_cast<double>(value) * static_cast<double>(times),
                 std::memory_order_relaxed);
}

HistogramTotals Histogram::totals() const {
  HistogramTotals totals;
  totals.bounds = bounds_;
  totals.sum = sum_.load(std::memory_order_relaxed);
  for (std::size_t at = 0; at <= bounds_.size(); ++at) {
    totals.counts.push_back(counts_[at].load(std::memory_order_relaxed));
    totals.count += totals.counts.back();
  }
  return totals;
}

}  // namespace penstock
