#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/aggregate.h"
#include "protocols/statsd/options.h"
#include "protocols/statsd/series.h"
#include "protocols/statsd/series_event.h"

namespace penstock {

/// What a listener with `options.flush` gathers, one for all its decoders. `memory` null: as much as it needs.
std::shared_ptr<statsd::SeriesAggregate> make_statsd_aggregate(
    const StatsdOptions& options, std::shared_ptr<AggregateMemory> memory);

namespace statsd {

/// A metric that may be aggregated; views live for the call.
struct Sample {
  std::string_view key;  ///< of KeyMaker
  MetricKind kind = MetricKind::kCounter;
  std::span<const double> numbers;  ///< of all but sets
  std::string_view text;            ///< of a set
  double weight = 1;                ///< 1 / sample rate
  bool delta = false;               ///< gauges: the numbers are changes
};

/// The series of one listener, whatever loop and connection their samples come in on:
///
/// - counters: `value` is the sum of values divided by their sample rates;
/// - gauges: `value` is the last one, changes applied in the order in which they were read; the first change is one of 0.
///   Remembered over the intervals, for `keep_gauges` after the last sample;
/// - sets: `value` is how many distinct texts came, up to TextSet::kMost; others go on by themselves;
/// - timers, histograms, distributions: `fields` `count` (a whole number), `sum`, `mean`, `lower`, `upper`, `stddev`,
///   `median` and `upper_P` for each percentile, each value counted 1 / sample rate times.
///
/// Each event has `name`, `kind`, its tags, and `interval`, in seconds. Values are doubles, counts integers, so that a
/// database sees one type. Its bytes are the same as lines of statsd: the sum as a counter, all else as gauges, which of a
/// timer have the statistic's name behind its own; a negative one is two lines, since a sign alone would be a change.
///
/// Nothing is lost to a limit: add() says that there is no room, and the sample goes on as an event of its own.
///
/// One aggregate with a lock for each 64th of the series, held for one sample: an aggregate a loop would need none, but
/// could not say which of two loops' gauges was the last, and would hold every series once a loop.
class SeriesAggregate final : public Aggregate {
 public:
  SeriesAggregate(const StatsdOptions& options, std::shared_ptr<AggregateMemory> memory);
  ~SeriesAggregate() override;

  /// Any thread. False: a limit is reached.
  bool add(const Sample& sample);

  std::chrono::milliseconds interval() const noexcept override { return options_.flush; }
  void close(Now now, std::chrono::milliseconds length) override;
  bool write(BatchWriter& writer) override;
  std::uint64_t take_refused() noexcept override { return refused_.exchange(0); }

  /// Values and weights beyond these are not aggregated: no sum of them ever leaves a double's range.
  static constexpr double kMostMagnitude = 1e100, kMostWeight = 1e15;
  /// Series whose key is longer are not aggregated: a flush holds it once a statistic.
  static constexpr std::size_t kMostKeyBytes = 4096;

 private:
  static constexpr std::size_t kShards = 64;
  struct alignas(64) Shard {
    std::mutex mutex;
    SeriesTable series;  ///< of this interval
    SeriesTable gauges;
  };

  bool add_in_range(const Sample& sample);
  Shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 58]; }
  Series* series_of(const Sample& sample, std::uint64_t hash, SeriesTable& table);
  bool add_to(Series& series, const Sample& sample);
  bool add_timings(Timings& timings, const Sample& sample);
  void close_gauges(SeriesTable& gauges, Now now);
  void give_back(std::size_t bytes) noexcept;

  const StatsdOptions options_;
  const std::shared_ptr<AggregateMemory> memory_;
  const std::uint64_t seed_;  // of hashes
  std::array<Shard, kShards> shards_;
  std::atomic<std::size_t> series_count_{0};
  std::atomic<std::uint64_t> refused_{0};

  // Of who flushes.
  std::vector<std::vector<Series>> closed_;
  double seconds_ = 0;  // the closed interval's length
  SeriesEvent event_;
};

}  // namespace statsd
}  // namespace penstock
