#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "protocols/core/aggregate.h"

namespace penstock::statsd {

/// Weights by the logarithm of a magnitude, the highest kMost bins of them: bin i holds (g^(i-1), g^i]. What is below the
/// lowest bin counts in it. The same in whatever order values come.
class LogBins {
 public:
  static constexpr std::size_t kMost = 2048;

  static std::int32_t bin_of(double magnitude) noexcept;
  static double value_of(std::int32_t bin) noexcept;

  /// Bytes that it will have once it has room for the bins from `low` to `high`.
  std::size_t bytes_with(std::int32_t low, std::int32_t high) const noexcept;
  void make_room(std::int32_t low, std::int32_t high);
  /// A bin that there is room for.
  void add(std::int32_t bin, double weight) noexcept;

  std::size_t bytes() const noexcept { return weights_.capacity() * sizeof(double); }
  std::int32_t first() const noexcept { return first_; }
  std::span<const double> weights() const noexcept { return weights_; }

 private:
  struct Range {
    std::int32_t first = 0;
    std::size_t size = 0;
  };
  Range range_with(std::int32_t low, std::int32_t high) const noexcept;

  std::int32_t first_ = 0;
  std::vector<double> weights_;
};

/// Percentiles of weighted values in bounded memory. Up to kExact values are kept as they are; more become bins of a
/// logarithmic histogram (DDSketch; Masson, Rim and Lee, VLDB 2019), so that each percentile is at most kRelativeError
/// beside the value of that rank, for magnitudes down to 10^-17 of the largest. Unlike a random sample it does not miss
/// the few slow ones that high percentiles are asked for, and gives the same in whatever order values come.
class Quantiles {
 public:
  static constexpr std::size_t kExact = 64;
  static constexpr double kRelativeError = 0.01;

  /// Makes room for `values`; false, and nothing has changed, where `memory` has none. Null: there always is.
  bool reserve(std::span<const double> values, AggregateMemory* memory);
  /// A finite value that room was made for, of a magnitude up to 10^300; `weight` is above 0.
  void add(double value, double weight);

  /// The smallest value at or below which `percent` of the weight lies (nearest rank), above 0 and below 100. Of what was
  /// added, at least one value. Sorts what is kept.
  double value_at(double percent);

  std::size_t bytes() const noexcept {
    return exact_.capacity() * sizeof(Kept) + above_.bytes() + below_.bytes();
  }

 private:
  struct Kept {
    double value, weight;
  };
  struct Extent;

  Extent extent_of(std::span<const double> values) const noexcept;
  void bin(double value, double weight) noexcept;
  void bin_all(const Extent& extent);
  double exact_at(double rank);
  double binned_at(double rank) const noexcept;

  std::vector<Kept> exact_;
  LogBins above_, below_;  // zero, and by magnitude
  double zero_ = 0, total_ = 0;
  bool binned_ = false;
};

}  // namespace penstock::statsd
