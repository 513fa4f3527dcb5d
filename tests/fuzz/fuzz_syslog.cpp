#include "protocols/core/check.h"
#include "protocols/syslog/decoder.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"

// The syslog decoder with any options, over a stream in two ways of cutting and over datagrams: the same events whatever
// the cut, and every byte accounted for (Feed).
namespace {

using namespace penstock;

constexpr std::int64_t kReceived = 1'441'584'000'000'000'000;

void check_stream(const FramingOptions& framing, const SyslogOptions& options,
                  std::string_view bytes, fuzz::Cuts cuts) {
  test::Feed whole(make_syslog_decoder(framing, options), test::Place::kBlock);
  test::Feed pieces(make_syslog_decoder(framing, options), test::Place::kOutside);
  whole.now.wall_ns = pieces.now.wall_ns = kReceived;
  whole.read(bytes);
  whole.end(EndReason::kFin);
  fuzz::read_pieces(pieces, bytes, cuts);
  pieces.end(EndReason::kFin);
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.records() == whole.records());
}

}  // namespace

// Bytes 0 to 2: cuts, framing and policies, options; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t shape = input.byte(), more = input.byte();
  const FramingOptions framing{.framing = static_cast<Framing>(shape % 4),
                               .max_frame_bytes = 512,
                               .unparsed = static_cast<Unparsed>(shape / 4 % 2)};
  const SyslogOptions options{.form = static_cast<SyslogOptions::Form>(more % 3),
                              .year = more / 3 % 2 == 0 ? 0 : 2020,
                              .max_decompressed_bytes = 4096,
                              .payload = static_cast<SyslogOptions::Payload>(more / 6 % 2)};
  check_stream(framing, options, input.payload(), cuts);
  test::Feed datagrams(make_syslog_decoder(framing, options));
  datagrams.now.wall_ns = kReceived;
  datagrams.datagram(input.payload());
  return 0;
}
