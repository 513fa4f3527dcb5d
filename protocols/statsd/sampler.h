#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "protocols/statsd/aggregate.h"

namespace penstock::statsd {

/// Takes the metrics of one decoder into its listener's aggregate.
class Sampler {
 public:
  explicit Sampler(std::shared_ptr<SeriesAggregate> aggregate) : aggregate_(std::move(aggregate)) {}

  enum class Taken : std::uint8_t {
    kYes,
    kNo,  ///< it is for nobody to aggregate: no metric, or one with a time of its own, or with parts that nobody knows
    kNoRoom  ///< a limit is reached
  };
  Taken take(std::string_view line);

 private:
  bool read(std::string_view line, Sample& sample);

  const std::shared_ptr<SeriesAggregate> aggregate_;
  KeyMaker keys_;
  std::vector<double> numbers_;
};

}  // namespace penstock::statsd
