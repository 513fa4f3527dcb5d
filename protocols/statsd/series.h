#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/statsd/metric.h"
#include "protocols/statsd/quantiles.h"

namespace penstock::statsd {

/// What tells a series from another: its kind as a digit, its name, `:`, and what of its line's parts belongs to it, as
/// they stand in a line: `|#tags|c:container|e:data|card:low`. Tags are sorted, each once, whatever order they came in.
struct KeyParts {
  MetricKind kind = MetricKind::kCounter;
  std::string_view name;
  std::string_view tags;       ///< `a:1,b`
  std::string_view container;  ///< these and the tags: no data where there is none
  std::string_view external_data;
  std::string_view cardinality;
  std::string_view suffix;  ///< all of it behind the `:`
};
KeyParts parts_of_key(std::string_view key) noexcept;

/// Makes keys, one after the other, in memory of its own.
class KeyMaker {
 public:
  /// Lives until the next call.
  std::string_view key_of(const Metric& metric);

 private:
  void append_tags(std::string_view tags);

  std::string key_;
  std::vector<std::string_view> tags_;
};

/// Statistics of a timer, histogram or distribution; all weighted.
struct Timings {
  double count = 0, sum = 0, lowest = 0, highest = 0;
  Quantiles quantiles;

  void add(double value, double weight);
  double mean() const noexcept { return sum / count; }
  /// Of all of them, not an estimate from a sample.
  double standard_deviation() const noexcept;

 private:
  double mean_ = 0, squares_ = 0;  // Welford's, which loses no digits
};

/// Distinct texts, of which their hashes are kept.
class TextSet {
 public:
  static constexpr std::size_t kMost = std::size_t{1} << 16;

  /// False: it has no room for one more. `memory` null: as much as it needs.
  bool add(std::uint64_t hash, AggregateMemory* memory);
  std::size_t size() const noexcept { return size_; }
  std::size_t bytes() const noexcept { return slots_.capacity() * sizeof(std::uint64_t); }

 private:
  bool grow(AggregateMemory* memory);
  std::uint64_t& slot_of(std::uint64_t hash) noexcept;

  std::vector<std::uint64_t> slots_;  // 0: free; a power of two, at most half of them used
  std::size_t size_ = 0;
};

/// One series of an interval, or a gauge that is remembered.
struct Series {
  std::string key;
  std::uint64_t hash = 0;
  double value = 0;                  ///< a counter's sum, a gauge's value
  std::unique_ptr<Timings> timings;  ///< of those that have them
  std::unique_ptr<TextSet> texts;    ///< of a set
  std::chrono::milliseconds last_seen{
      0};                ///< a gauge: the end of the last interval in which it came
  bool touched = false;  ///< a gauge: came in this interval

  std::size_t bytes() const noexcept;
};

/// Series by key.
class SeriesTable {
 public:
  /// nullptr: there is none.
  Series* find(std::string_view key, std::uint64_t hash) noexcept;
  /// One that is not there yet.
  Series& insert(Series&& made);

  std::vector<Series>& all() noexcept { return series_; }
  /// After series were taken away.
  void index_anew();

 private:
  std::size_t place_of(std::string_view key, std::uint64_t hash) const noexcept;

  std::vector<Series> series_;
  struct Slot {
    std::uint32_t tag = 0;    // of the hash, so that most strangers cost no look at their series
    std::uint32_t place = 0;  // in series_, from 1; 0: free
  };
  std::vector<Slot> slots_;  // a power of two, at most half of them used
};

}  // namespace penstock::statsd
