#include "protocols/statsd/aggregate.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "protocols/core/check.h"
#include "protocols/statsd/hash.h"

namespace penstock {

std::shared_ptr<statsd::SeriesAggregate> make_statsd_aggregate(
    const StatsdOptions& options, std::shared_ptr<AggregateMemory> memory) {
  return std::make_shared<statsd::SeriesAggregate>(options, std::move(memory));
}

namespace statsd {
namespace {

std::uint64_t random_seed() {
  std::random_device random;
  return (std::uint64_t{random()} << 32) | random();
}

bool has_timings(MetricKind kind) noexcept {
  return kind == MetricKind::kTimer || kind == MetricKind::kHistogram ||
         kind == MetricKind::kDistribution;
}

bool in_range(const Sample& sample) noexcept {
  return sample.key.size() <= SeriesAggregate::kMostKeyBytes &&
         sample.weight <= SeriesAggregate::kMostWeight &&
         std::all_of(sample.numbers.begin(), sample.numbers.end(), [](double number) {
           return std::abs(number) <= SeriesAggregate::kMostMagnitude;
         });
}

}  // namespace

SeriesAggregate::SeriesAggregate(const StatsdOptions& options,
                                 std::shared_ptr<AggregateMemory> memory)
    : options_(options),
      memory_(std::move(memory)),
      seed_(random_seed()),
      event_(options_.percentiles) {}

SeriesAggregate::~SeriesAggregate() {
  std::size_t bytes = 0;
  const auto add_bytes = [&](const std::vector<Series>& all) {
    for (const Series& series : all) bytes += series.bytes();
  };
  for (Shard& shard : shards_) {
    add_bytes(shard.series.all());
    add_bytes(shard.gauges.all());
  }
  for (const auto& all : closed_) add_bytes(all);
  give_back(bytes);
}

void SeriesAggregate::give_back(std::size_t bytes) noexcept {
  if (memory_) memory_->give_back(bytes);
}

// ---- samples

bool SeriesAggregate::add(const Sample& sample) {
  if (in_range(sample) && add_in_range(sample)) return true;
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

bool SeriesAggregate::add_in_range(const Sample& sample) {
  const std::uint64_t hash = hash_of(sample.key, seed_);
  Shard& shard = shard_of(hash);
  const std::lock_guard lock(shard.mutex);
  SeriesTable& table = sample.kind == MetricKind::kGauge ? shard.gauges : shard.series;
  Series* series = table.find(sample.key, hash);
  if (series == nullptr) series = series_of(sample, hash, table);
  return series != nullptr && add_to(*series, sample);
}

/// A new one; nullptr where the limits have no room for it.
Series* SeriesAggregate::series_of(const Sample& sample, std::uint64_t hash, SeriesTable& table) {
  if (series_count_.fetch_add(1, std::memory_order_relaxed) >= options_.max_series) {
    series_count_.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  Series series;
  series.key = sample.key;
  series.hash = hash;
  if (has_timings(sample.kind)) series.timings = std::make_unique<Timings>();
  if (sample.kind == MetricKind::kSet) series.texts = std::make_unique<TextSet>();
  if (!memory_ || memory_->try_take(series.bytes())) return &table.insert(std::move(series));
  series_count_.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

bool SeriesAggregate::add_to(Series& series, const Sample& sample) {
  switch (sample.kind) {
    case MetricKind::kCounter:
      for (const double number : sample.numbers) series.value += number * sample.weight;
      return true;
    case MetricKind::kGauge:
      for (const double number : sample.numbers)
        series.value = sample.delta ? series.value + number : number;
      series.touched = true;
      return true;
    case MetricKind::kSet: return series.texts->add(hash_of(sample.text, seed_), memory_.get());
    case MetricKind::kTimer:
    case MetricKind::kHistogram:
    case MetricKind::kDistribution: return add_timings(*series.timings, sample);
  }
  return false;
}

bool SeriesAggregate::add_timings(Timings& timings, const Sample& sample) {
  if (!timings.quantiles.reserve(sample.numbers, memory_.get())) return false;
  for (const double number : sample.numbers) timings.add(number, sample.weight);
  return true;
}

// ---- flush

void SeriesAggregate::close(Now now, std::chrono::milliseconds length) {
  PENSTOCK_CHECK(closed_.empty());
  seconds_ = std::chrono::duration<double>(length).count();
  for (Shard& shard : shards_) {
    SeriesTable series;
    {
      const std::lock_guard lock(shard.mutex);
      std::swap(series, shard.series);
      close_gauges(shard.gauges, now);
    }
    if (series.all().empty()) continue;
    series_count_.fetch_sub(series.all().size(), std::memory_order_relaxed);
    closed_.push_back(std::move(series.all()));
  }
}

/// Copies those that are to be told, forgets those that are too old. With the shard's lock.
void SeriesAggregate::close_gauges(SeriesTable& gauges, Now now) {
  std::vector<Series> told;
  for (Series& gauge : gauges.all()) {
    if (gauge.touched) gauge.last_seen = now.monotonic;
    if (!std::exchange(gauge.touched, false) && !options_.repeat_gauges) continue;
    Series& copy = told.emplace_back();
    copy.key = gauge.key;
    copy.value = gauge.value;
    if (memory_) memory_->take(copy.bytes());
  }
  if (!told.empty()) closed_.push_back(std::move(told));
  if (options_.keep_gauges.count() == 0) return;
  const std::size_t before = gauges.all().size();
  std::erase_if(gauges.all(), [&](const Series& gauge) {
    const bool old = now.monotonic - gauge.last_seen >= options_.keep_gauges;
    if (old) give_back(gauge.bytes());
    return old;
  });
  if (gauges.all().size() == before) return;
  series_count_.fetch_sub(before - gauges.all().size(), std::memory_order_relaxed);
  gauges.index_anew();
}

bool SeriesAggregate::write(BatchWriter& writer) {
  for (std::size_t bytes = 0; bytes < kWriteBytes && !closed_.empty();) {
    std::vector<Series>& all = closed_.back();
    bytes += event_.write(all.back(), seconds_, writer);
    give_back(all.back().bytes());
    all.pop_back();
    if (all.empty()) closed_.pop_back();
  }
  return !closed_.empty();
}

}  // namespace statsd
}  // namespace penstock
