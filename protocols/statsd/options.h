#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

namespace penstock {

namespace statsd {
class SeriesAggregate;
}

/// What a listener of the `statsd` protocol makes of metrics.
struct StatsdOptions {
  /// How often what was aggregated goes on; 0: each sample is an event of its own.
  std::chrono::milliseconds flush{0};
  /// Of timers, histograms and distributions, above 0 and below 100.
  std::vector<double> percentiles = {90, 95, 99};
  /// Most series at a time, remembered gauges among them.
  std::size_t max_series = 100'000;
  /// Flushes tell all gauges that are remembered, not only those that have changed.
  bool repeat_gauges = false;
  /// How long a gauge is remembered that nobody sends; 0: for ever.
  std::chrono::milliseconds keep_gauges = std::chrono::hours(1);
  /// Shared by all decoders of a listener; null: none. Made by make_statsd_aggregate.
  std::shared_ptr<statsd::SeriesAggregate> aggregate = nullptr;

  friend bool operator==(const StatsdOptions&, const StatsdOptions&) = default;
};

}  // namespace penstock
