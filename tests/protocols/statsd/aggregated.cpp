#include "tests/protocols/statsd/aggregated.h"

#include <algorithm>

namespace penstock::test {

using namespace std::string_literals;

std::vector<std::string> Flushes::flush() {
  constexpr std::chrono::seconds kInterval{10};
  const std::string interval = R"(,"interval":10.0)"s;
  now += kInterval;
  aggregate_->close({.monotonic = now}, kInterval);
  frames_.clear();
  std::vector<std::string> events;
  for (bool more = true; more;) {
    batch_ = {};
    batch_.block = std::make_shared<Block>(std::size_t{16} << 10);
    batch_.segments.emplace_back();
    BatchWriter writer(batch_, batch_.block->data(), counts_, *this);
    more = aggregate_->write(writer);
    for (const FrameRef& frame : batch_.frames) frames_.emplace_back(batch_.bytes(frame));
    for (std::string& event : events_of(batch_)) {
      const std::size_t at = event.find(interval);
      PENSTOCK_CHECK(at != std::string::npos);
      events.push_back(event.erase(at, interval.size()));
    }
  }
  PENSTOCK_CHECK(counts_.events == counts_.flushed && counts_.frames == 0);
  std::sort(events.begin(), events.end());
  std::sort(frames_.begin(), frames_.end());
  return events;
}

}  // namespace penstock::test
