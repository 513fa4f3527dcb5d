#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace penstock {

/// Upper bounds, each included in its bucket; what is larger is in a last one of its own. Nanoseconds, counts, bytes.
inline constexpr std::array<std::uint64_t, 15> kDelayBounds = {
    250'000,       1'000'000,     2'500'000,     5'000'000,      10'000'000,
    25'000'000,    50'000'000,    100'000'000,   250'000'000,    500'000'000,
    1'000'000'000, 2'500'000'000, 5'000'000'000, 30'000'000'000, 300'000'000'000};
inline constexpr std::array<std::uint64_t, 14> kTurnBounds = {
    10'000,    25'000,    50'000,     100'000,    250'000,     500'000,     1'000'000,
    2'500'000, 5'000'000, 10'000'000, 25'000'000, 100'000'000, 500'000'000, 2'500'000'000};
inline constexpr std::array<std::uint64_t, 10> kCountBounds = {1,    4,    16,    64,    256,
                                                               1024, 4096, 16384, 65536, 262144};
inline constexpr std::array<std::uint64_t, 10> kByteBounds = {
    256, 1024, 4096, 16384, 65536, 131072, 262144, 524288, 1048576, 16777216};

/// Plain numbers of a Histogram.
struct HistogramTotals {
  std::span<const std::uint64_t> bounds;  ///< static storage; empty: nothing was added up yet
  std::vector<std::uint64_t> counts;      ///< by bucket, one more than bounds; not cumulated
  std::uint64_t count = 0;                ///< of all buckets
  double sum = 0;

  HistogramTotals& operator+=(const HistogramTotals& other);
};

/// How often values were how large. Any thread, without locks: a reader may miss what is being added.
class Histogram {
 public:
  static constexpr std::size_t kMaxBounds = 15;

  /// `bounds` rise, at most kMaxBounds of them, in static storage.
  explicit Histogram(std::span<const std::uint64_t> bounds) noexcept : bounds_(bounds) {}

  /// `times` values of this size.
  void add(std::uint64_t value, std::uint64_t times = 1) noexcept;
  HistogramTotals totals() const;

 private:
  const std::span<const std::uint64_t> bounds_;
  std::array<std::atomic<std::uint64_t>, kMaxBounds + 1> counts_{};
  std::atomic<double> sum_{0};
};

}  // namespace penstock
