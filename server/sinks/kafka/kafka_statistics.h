#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "server/pipeline/sink.h"

namespace penstock {

/// What librdkafka says of a producer every `statistics.interval.ms` (STATISTICS.md of librdkafka), and what of it the
/// metrics show. A sink's producers follow each other, so counters go on where the last one ended.
class KafkaStatistics {
 public:
  KafkaStatistics();

  void take(std::string_view json);  ///< one thread; what is no statistics is passed over
  void begin_producer();             ///< the same thread: the next statistics count from 0 again
  std::vector<SinkMeasure> measures() const;  ///< any thread

 private:
  static constexpr std::size_t kMeasures = 11;
  using Values = std::array<double, kMeasures>;

  static Values read(std::string_view json);
  void publish();

  Values ended_{};  // counters of the producers before
  Values current_{};
  std::array<std::atomic<double>, kMeasures> shown_{};
};

}  // namespace penstock
