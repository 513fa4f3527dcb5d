#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocols/core/check.h"
#include "protocols/statsd/aggregate.h"
#include "protocols/statsd/decoder.h"
#include "tests/protocols/events.h"
#include "tests/protocols/feed.h"

namespace penstock::test {

/// What flushes write of an aggregate.
class Flushes final : private RejectHandler {
 public:
  explicit Flushes(std::shared_ptr<statsd::SeriesAggregate> aggregate)
      : aggregate_(std::move(aggregate)) {
    batch_.segments.emplace_back();
  }

  /// Ends an interval of ten seconds. The events, sorted, as to_text() shows them without their interval.
  std::vector<std::string> flush();
  /// The bytes of the last flush's events.
  const std::vector<std::string>& frames() const noexcept { return frames_; }
  const FrameCounts& counts() const noexcept { return counts_; }
  std::chrono::milliseconds now{0};

 private:
  void on_reject(Reason, std::string_view, const Problem&, const Segment&) override {
    PENSTOCK_CHECK(false);
  }

  std::shared_ptr<statsd::SeriesAggregate> aggregate_;
  Batch batch_;
  FrameCounts counts_;
  std::vector<std::string> frames_;
};

/// A listener's aggregate with the decoders that add to it, datagrams and lines.
struct Aggregated {
  explicit Aggregated(StatsdOptions with = {}, std::shared_ptr<AggregateMemory> memory = nullptr)
      : options(with_aggregate(std::move(with), std::move(memory))) {}

  std::unique_ptr<Decoder> decoder() const {
    return make_statsd_decoder({.split = Split::kNewline}, options);
  }

  static StatsdOptions with_aggregate(StatsdOptions options,
                                      std::shared_ptr<AggregateMemory> memory) {
    options.flush = std::chrono::seconds(10);
    options.aggregate = make_statsd_aggregate(options, std::move(memory));
    return options;
  }

  const StatsdOptions options;
  Feed feed{decoder()};
  Flushes flushes{options.aggregate};
};

}  // namespace penstock::test
