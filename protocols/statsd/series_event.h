#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/statsd/series.h"

namespace penstock::statsd {

/// Makes the events of a flush (SeriesAggregate says what they hold), one after the other, in memory of its own.
class SeriesEvent {
 public:
  /// `percentiles`: each above 0 and below 100.
  explicit SeriesEvent(std::span<const double> percentiles);

  /// Adds the event of `series`, whose interval was that long; nothing where nothing was counted in it. Gives about how
  /// many bytes it takes.
  std::size_t write(Series& series, double interval_seconds, BatchWriter& writer);

 private:
  struct Percentile {
    double percent;
    std::string name;  // upper_99_9
  };
  struct Statistic {
    std::string_view name;
    double value;
  };

  void write_one(const KeyParts& parts, Series& series, double seconds, BatchWriter& writer);
  void write_timings(const KeyParts& parts, Series& series, double seconds, BatchWriter& writer);
  void add_line(const KeyParts& parts, std::string_view statistic, double value);
  void begin_line(const KeyParts& parts, std::string_view statistic);

  std::vector<Percentile> percentiles_;
  std::vector<Statistic> statistics_;
  std::string lines_;
};

}  // namespace penstock::statsd
