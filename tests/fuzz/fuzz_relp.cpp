#include <algorithm>

#include "protocols/core/check.h"
#include "protocols/relp/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/unheard.h"

// A RELP connection from its first byte to its last, in two ways of cutting. Completions, the stop and the end come
// where the input says. Feed aborts where the ledger's identities do not hold.
namespace {

using namespace penstock;

void run(test::Feed& feed, std::string_view bytes, fuzz::Cuts cuts, EndReason cause) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::size_t size = std::min(cuts.next(), rest.size());
    feed.read(rest.substr(0, size));
    rest.remove_prefix(size);
  }
  feed.complete();
  PENSTOCK_CHECK(feed.decoder().quiescent());
  feed.end(cause);
}

}  // namespace

// Bytes 0 to 2: maximum, cuts, policies and cause; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  FramingOptions framing{.max_frame_bytes = input.byte() + 1u};
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t more = input.byte();
  framing.oversize = static_cast<Oversize>(more % 3);
  framing.unparsed = static_cast<Unparsed>(more / 3 % 2);
  const auto cause = static_cast<EndReason>(more / 6 % 5);
  const auto make = [&] { return make_relp_decoder(framing, {.max_window = 100}, {}); };
  const std::string_view bytes = input.payload();

  test::Feed whole(make(), test::Place::kBlock);
  whole.read(bytes);
  const std::string before = whole.sent();
  whole.complete();
  PENSTOCK_CHECK(whole.sent().starts_with(before));
  whole.end(cause);
  test::Feed pieces(make(), test::Place::kOutside);
  run(pieces, bytes, cuts, cause);
  PENSTOCK_CHECK(pieces.records() == whole.records());
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.sent() == whole.sent());
  PENSTOCK_CHECK((pieces.why() == nullptr) == (whole.why() == nullptr));
  PENSTOCK_CHECK(pieces.longest_tail() < framing.max_frame_bytes + 72);

  test::Feed stopped(make(), test::Place::kBlock);
  const std::size_t half = bytes.size() / 2;
  stopped.read(bytes.substr(0, half));
  test::drain(stopped.decoder());
  stopped.complete();
  stopped.read(bytes.substr(half));
  stopped.complete();
  stopped.end(EndReason::kDeadline);
  return 0;
}
