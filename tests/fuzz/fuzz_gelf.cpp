#include "protocols/core/check.h"
#include "protocols/gelf/decoder.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"

// GELF: a series of datagrams from two peers with time between them, and a stream in two ways of cutting. Feed aborts
// where the ledger's identities do not hold.
namespace {

using namespace penstock;

constexpr std::size_t kMostMessageBytes = 4096;

GelfOptions options() {
  return {.max_message_bytes = kMostMessageBytes,
          .max_chunk_sets = 3,
          .max_chunk_bytes = 200,
          .limits = {.max_depth = 8, .max_fields = 50}};
}

/// Each begins with its length, and a byte of who sends it, how long after the one before, and how much was cut off.
void check_datagrams(const FramingOptions& framing, fuzz::Input input) {
  test::Feed feed(make_gelf_decoder(framing, options()));
  feed.peer.kind = Peer::Kind::kInet4;
  while (!input.payload().empty()) {
    const std::size_t size = input.byte() % 64u;
    const std::uint8_t how = input.byte();
    feed.peer.port = how % 2;
    feed.now.monotonic += std::chrono::milliseconds(how / 2 % 4 * 1700);
    if (const auto due = feed.decoder().deadline(); due && *due <= feed.now.monotonic)
      feed.deadline();
    const std::string_view datagram = input.payload().substr(0, size);
    feed.datagram(datagram, datagram.size() + (how >> 5 == 7 ? 1 : 0));
    input = fuzz::Input(reinterpret_cast<const std::uint8_t*>(datagram.data()) + datagram.size(),
                        input.payload().size() - datagram.size());
  }
  feed.end(EndReason::kDeadline);
  PENSTOCK_CHECK(!feed.decoder().deadline());
  for (const test::Record& record : feed.records())
    PENSTOCK_CHECK(record.bytes.size() <= kMostMessageBytes);
  PENSTOCK_CHECK(feed.events().size() == feed.records().size());
}

void check_stream(const FramingOptions& framing, std::string_view bytes, fuzz::Cuts cuts) {
  test::Feed whole(make_gelf_decoder(framing, options()), test::Place::kBlock);
  whole.read(bytes);
  whole.end(EndReason::kFin);
  test::Feed pieces(make_gelf_decoder(framing, options()), test::Place::kOutside);
  fuzz::read_pieces(pieces, bytes, cuts);
  pieces.end(EndReason::kFin);
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.refusals() == whole.refusals());
}

}  // namespace

// Byte 0: policies and cuts; the rest is the stream, and the datagrams.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  const FramingOptions framing{.framing = how % 2 == 0 ? Framing::kNul : Framing::kNewline,
                               .max_frame_bytes = 100,
                               .oversize = static_cast<Oversize>(how / 2 % 2),
                               .unparsed = static_cast<Unparsed>(how / 4 % 2)};
  check_stream(framing, input.payload(), fuzz::Cuts(how));
  check_datagrams(framing, input);
  return 0;
}
