#include "protocols/core/check.h"
#include "protocols/json/decoder.h"
#include "protocols/json/problem.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"

// The json protocol over a stream in two ways of cutting and over datagrams. Feed aborts where the ledger's identities do
// not hold. What it takes must be JSON to simdjson's own parser.
namespace {

using namespace penstock;

void check_events(const test::Feed& feed) {
  const auto records = feed.records();
  const auto events = feed.events();
  PENSTOCK_CHECK(records.size() == events.size());
  for (const test::Record& record : records) {
    if ((record.flags & kFrameUnparsed) != 0) continue;
    const std::string_view frame = record.bytes;
    const std::size_t mark = frame.starts_with("\xef\xbb\xbf") ? 3 : 0;
    // Numbers out of a double's range are JSON too; simdjson and RapidJSON say no.
    const Problem problem = json_problem(frame.substr(mark));
    PENSTOCK_CHECK(!problem || std::string_view(problem.why).ends_with("a number is malformed"));
  }
}

}  // namespace

// Bytes 0 to 2: maximum and limits, cuts, policies and cause; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t limits = input.byte();
  FramingOptions framing{.split = Split::kNewline, .max_frame_bytes = 32u + limits};
  const JsonOptions options{
      .known_names = limits % 2 == 0,
      .limits = {.max_depth = 1 + limits % 8u, .max_fields = 1 + limits / 8u}};
  fuzz::Cuts cuts(input.byte());
  const std::uint8_t more = input.byte();
  framing.framing = more % 2 == 0 ? Framing::kNewline : Framing::kJson;
  framing.oversize = static_cast<Oversize>(more / 2 % 2);
  framing.unparsed = static_cast<Unparsed>(more / 4 % 2);
  const auto cause = static_cast<EndReason>(more / 8 % 5);
  const std::string_view bytes = input.payload();

  test::Feed whole(make_json_decoder(framing, options), test::Place::kBlock);
  whole.read(bytes);
  whole.end(cause);
  check_events(whole);
  test::Feed pieces(make_json_decoder(framing, options), test::Place::kOutside);
  fuzz::read_pieces(pieces, bytes, cuts);
  pieces.end(cause);
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.refusals() == whole.refusals());

  test::Feed datagram(make_json_decoder(framing, options));
  datagram.datagram(bytes);
  datagram.datagram(bytes, bytes.size() + 1);
  check_events(datagram);
  return 0;
}
