#include "tests/fuzz/decoder.h"
#include "tests/protocols/statsd/aggregated.h"
#include "tests/protocols/statsd/limited_memory.h"

namespace {

using namespace penstock;

/// All that a listener made of a stream and of the same bytes as datagrams, with a flush between and one behind them: no
/// frame is lost, whatever the limits, and all memory comes back.
std::vector<std::string> events_of(const StatsdOptions& options, std::string_view bytes,
                                   fuzz::Cuts cuts,
                                   const std::shared_ptr<test::LimitedMemory>& memory) {
  std::vector<std::string> all;
  const auto add = [&](std::vector<std::string> events) {
    all.insert(all.end(), events.begin(), events.end());
  };
  test::Aggregated listener(options, memory);
  fuzz::read_pieces(listener.feed, bytes, cuts);
  add(listener.flushes.flush());
  listener.feed.end(EndReason::kFin);
  add(listener.feed.events());
  test::Feed datagrams(listener.decoder());
  datagrams.datagram(bytes);
  add(datagrams.events());
  add(listener.flushes.flush());
  test::Feed again(make_statsd_decoder({.split = Split::kNewline}));
  for (const std::string& frame : listener.flushes.frames()) again.datagram(frame);
  PENSTOCK_CHECK(again.counts().unparsed == 0);
  return all;
}

}  // namespace

// Bytes 0 to 2: limits, cuts and memory; the rest are lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  const fuzz::Cuts cuts(input.byte());
  const std::size_t most = std::size_t{input.byte()} << 8;
  const StatsdOptions options{.max_series = how / 4 % 8 + 1u,
                              .repeat_gauges = how % 2 != 0,
                              .keep_gauges = std::chrono::seconds(how / 2 % 2 * 10)};
  const auto memory = std::make_shared<test::LimitedMemory>(most);
  const auto whole = events_of(options, input.payload(), fuzz::Cuts(255), memory);
  PENSTOCK_CHECK(memory->used() == 0);
  PENSTOCK_CHECK(events_of(options, input.payload(), cuts, memory) == whole);
  PENSTOCK_CHECK(memory->used() == 0);
  return 0;
}
