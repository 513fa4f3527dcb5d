#include "protocols/statsd/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace penstock::statsd {
namespace {

constexpr double kGrowth = (1 + Quantiles::kRelativeError) / (1 - Quantiles::kRelativeError);
/// Smaller magnitudes are zero.
constexpr double kSmallest = 1e-100;
/// Bins are made so many at a time, downwards: a new highest value is rare.
constexpr std::int32_t kGrain = 32;
/// Sums of weights are rounded: a rank that is reached but for that is reached.
constexpr double kRounding = 1 - 1e-12;
constexpr std::size_t kFirstExact = 4;

double log_of_growth() noexcept {
  static const double log = std::log(kGrowth);
  return log;
}

}  // namespace

// ---- bins

std::int32_t LogBins::bin_of(double magnitude) noexcept {
  return static_cast<std::int32_t>(std::ceil(std::log(magnitude) / log_of_growth()));
}

double LogBins::value_of(std::int32_t bin) noexcept {
  return 2 * std::exp(bin * log_of_growth()) / (kGrowth + 1);
}

LogBins::Range LogBins::range_with(std::int32_t low, std::int32_t high) const noexcept {
  if (!weights_.empty()) {
    const std::int32_t last = first_ + static_cast<std::int32_t>(weights_.size()) - 1;
    if (low >= first_ && high <= last) return {first_, weights_.size()};
    low = std::min(low, first_);
    high = std::max(high, last);
  }
  const std::int32_t size =
      std::min((high - low + kGrain) / kGrain * kGrain, static_cast<std::int32_t>(kMost));
  return {high - size + 1, static_cast<std::size_t>(size)};
}

std::size_t LogBins::bytes_with(std::int32_t low, std::int32_t high) const noexcept {
  return range_with(low, high).size * sizeof(double);
}

void LogBins::make_room(std::int32_t low, std::int32_t high) {
  const Range range = range_with(low, high);
  if (range.first == first_ && range.size == weights_.size()) return;
  std::vector<double> old(range.size);
  old.swap(weights_);
  const std::int32_t old_first = std::exchange(first_, range.first);
  for (std::size_t at = 0; at < old.size(); ++at)
    if (old[at] != 0) add(old_first + static_cast<std::int32_t>(at), old[at]);
}

void LogBins::add(std::int32_t bin, double weight) noexcept {
  weights_[static_cast<std::size_t>(std::max(bin, first_) - first_)] += weight;
}

// ---- quantiles

/// The bins that values need: of those above and below zero.
struct Quantiles::Extent {
  struct Side {
    std::int32_t low = std::numeric_limits<std::int32_t>::max(),
                 high = std::numeric_limits<std::int32_t>::min();
    bool any() const noexcept { return low <= high; }
    void add(std::int32_t bin) noexcept {
      low = std::min(low, bin);
      high = std::max(high, bin);
    }
  };
  Side above, below;

  void add(double value) noexcept {
    const double magnitude = std::abs(value);
    if (magnitude < kSmallest) return;
    (value > 0 ? above : below).add(LogBins::bin_of(magnitude));
  }
};

Quantiles::Extent Quantiles::extent_of(std::span<const double> values) const noexcept {
  Extent extent;
  for (const double value : values) extent.add(value);
  for (const Kept& kept : exact_) extent.add(kept.value);
  return extent;
}

bool Quantiles::reserve(std::span<const double> values, AggregateMemory* memory) {
  const std::size_t exact = exact_.size() + values.size();
  const bool keep = !binned_ && exact <= kExact;
  if (keep && exact <= exact_.capacity()) return true;
  Extent extent;
  std::size_t needed = 0;
  std::size_t capacity = std::max(kFirstExact, exact_.capacity());
  if (keep) {
    while (capacity < exact) capacity *= 2;
    needed = capacity * sizeof(Kept);
  } else {
    extent = extent_of(values);
    needed = extent.above.any() ? above_.bytes_with(extent.above.low, extent.above.high)
                                : above_.bytes();
    needed += extent.below.any() ? below_.bytes_with(extent.below.low, extent.below.high)
                                 : below_.bytes();
  }
  const std::size_t held = bytes();
  if (memory != nullptr && needed > held && !memory->try_take(needed - held)) return false;
  if (keep)
    exact_.reserve(capacity);
  else
    bin_all(extent);
  if (memory != nullptr && needed < held) memory->give_back(held - needed);
  return true;
}

/// From here on everything is in bins, of which there are enough.
void Quantiles::bin_all(const Extent& extent) {
  if (extent.above.any()) above_.make_room(extent.above.low, extent.above.high);
  if (extent.below.any()) below_.make_room(extent.below.low, extent.below.high);
  binned_ = true;
  for (const Kept& kept : exact_) bin(kept.value, kept.weight);
  std::vector<Kept>().swap(exact_);
}

void Quantiles::bin(double value, double weight) noexcept {
  const double magnitude = std::abs(value);
  if (magnitude < kSmallest)
    zero_ += weight;
  else
    (value > 0 ? above_ : below_).add(LogBins::bin_of(magnitude), weight);
}

void Quantiles::add(double value, double weight) {
  total_ += weight;
  if (binned_)
    bin(value, weight);
  else
    exact_.push_back({value, weight});
}

double Quantiles::value_at(double percent) {
  const double rank = percent / 100 * total_ * kRounding;
  return binned_ ? binned_at(rank) : exact_at(rank);
}

double Quantiles::exact_at(double rank) {
  std::sort(exact_.begin(), exact_.end(),
            [](const Kept& a, const Kept& b) { return a.value < b.value; });
  double below = 0;
  for (const Kept& kept : exact_) {
    below += kept.weight;
    if (below >= rank) return kept.value;
  }
  return exact_.back().value;
}

double Quantiles::binned_at(double rank) const noexcept {
  double below = 0, value = 0;
  const auto reached = [&](double weight, double of) {
    if (weight == 0) return false;
    below += weight;
    value = of;
    return below >= rank;
  };
  const std::span<const double> down = below_.weights(), up = above_.weights();
  for (std::size_t at = down.size(); at-- > 0;)
    if (reached(down[at], -LogBins::value_of(below_.first() + static_cast<std::int32_t>(at))))
      return value;
  if (reached(zero_, 0)) return value;
  for (std::size_t at = 0; at < up.size(); ++at)
    if (reached(up[at], LogBins::value_of(above_.first() + static_cast<std::int32_t>(at))))
      return value;
  return value;  // the highest, where rounding has left a little of the rank
}

}  // namespace penstock::statsd
