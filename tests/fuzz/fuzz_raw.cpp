#include <algorithm>
#include <array>

#include "protocols/core/check.h"
#include "protocols/framed/decoder.h"
#include "protocols/raw/decoder.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"

// The raw decoder with any options, over a stream in two ways of cutting and over datagrams. Feed aborts where the
// ledger's identities or Segment::lines do not hold after any call.
namespace {

using namespace penstock;

void check_raw_stream(const FramingOptions& options, EndReason cause, std::string_view bytes,
                      fuzz::Cuts cuts) {
  test::Feed whole(make_raw_decoder(options), test::Place::kBlock);
  whole.read(bytes);
  whole.end(cause);
  test::Feed pieces(make_raw_decoder(options), test::Place::kOutside);
  fuzz::read_pieces(pieces, bytes, cuts);
  pieces.end(cause);
  PENSTOCK_CHECK(pieces.records() == whole.records());
  PENSTOCK_CHECK((pieces.why() == nullptr) == (whole.why() == nullptr));
  PENSTOCK_CHECK(pieces.longest_tail() < options.max_frame_bytes + kFramedExtraBytes);
  // How much of a malformed rest the decoder has seen when it gives up depends on the cut.
  if (whole.why() != nullptr &&
      whole.counts().rejected[static_cast<std::size_t>(Reason::kMalformed)] != 0)
    return;
  PENSTOCK_CHECK(test::same(pieces.counts(), whole.counts()));
  PENSTOCK_CHECK(pieces.refusals() == whole.refusals());
  for (const test::Record& record : whole.records())
    PENSTOCK_CHECK(record.bytes.size() <= options.max_frame_bytes);
}

void check_raw_datagrams(const FramingOptions& options, std::string_view bytes, fuzz::Cuts cuts) {
  test::Feed feed(make_raw_decoder(options));
  while (!bytes.empty()) {
    const std::size_t size = std::min(cuts.next() - 1, bytes.size());
    const std::size_t cut_off = cuts.next() < 3 ? cuts.next() : 0;
    feed.datagram(bytes.substr(0, size), size + cut_off);
    bytes.remove_prefix(std::min(bytes.size(), size + 1));
  }
  for (const test::Record& record : feed.records())
    PENSTOCK_CHECK(record.bytes.size() <= options.max_frame_bytes);
}

// The first twelve values are the four framings of lines and counts with each policy, the next 18 the others.
void choose_framing(FramingOptions& options, std::uint8_t shape, std::uint8_t more) {
  const bool first = shape % 30 < 12;
  const unsigned row = first ? shape % 30 : shape % 30 - 12, framings = first ? 4 : 6;
  options.framing = static_cast<Framing>(row % framings + (first ? 0 : 4));
  options.oversize = static_cast<Oversize>(row / framings);
  options.delimiter = std::array{"\n", "\r\n", "aab", "abab"}[more % 4];
  options.length = {.bytes = std::array<std::uint8_t, 4>{1, 2, 4, 8}[more / 4 % 4],
                    .order = more / 16 % 2 == 0 ? std::endian::big : std::endian::little,
                    .offset = static_cast<std::uint8_t>(more / 32 % 2 * 3),
                    .includes_header = more / 64 % 2 != 0};
  options.frame_bytes = 1 + more % options.max_frame_bytes;
}

}  // namespace

// Bytes 0 to 4: maximum, cuts, framing and oversize, tail and cause, split and more about the framing; the rest is the
// stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  FramingOptions options{.max_frame_bytes = input.byte() % 64 + 1u};
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t shape = input.byte(), end = input.byte();
  options.tail = static_cast<Tail>(end % 4);
  const std::uint8_t more = input.byte();
  options.split = static_cast<Split>(more % 2);
  choose_framing(options, shape, more / 2);
  check_raw_stream(options, static_cast<EndReason>(end / 4 % 5), input.payload(), cuts);
  check_raw_datagrams(options, input.payload(), cuts);
  return 0;
}
