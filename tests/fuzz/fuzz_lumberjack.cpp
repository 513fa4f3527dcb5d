#include "protocols/core/check.h"
#include "protocols/lumberjack/decoder.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/unheard.h"

// A Lumberjack connection from its first byte to its last, in two ways of cutting; completions, deadlines, the stop and
// the end come where the input says. Feed aborts where the ledger's identities do not hold.
namespace {

using namespace penstock;

constexpr std::size_t kMostBytes = 1024;
constexpr LumberjackOptions kOptions{
    .max_window = 50, .max_pairs = 8, .max_decompressed_bytes = 8 << 10};
/// The longest tail: a compressed frame.
constexpr std::size_t kMostTail = (8 << 10) + (64 << 10) + 6;

std::unique_ptr<Decoder> make() {
  return make_lumberjack_decoder({.max_frame_bytes = kMostBytes}, kOptions);
}

}  // namespace

// Bytes 0 and 1: cuts and cause; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const fuzz::Cuts cuts(input.byte());
  const auto cause = static_cast<EndReason>(input.byte() % 5);
  const std::string_view bytes = input.payload();

  test::Feed whole(make(), test::Place::kBlock);
  whole.read(bytes);
  PENSTOCK_CHECK(whole.sent().empty());
  whole.complete();
  PENSTOCK_CHECK(whole.sent().size() % 6 == 0);
  whole.end(cause);
  test::Feed pieces(make(), test::Place::kOutside);
  fuzz::read_pieces(pieces, bytes, cuts);
  pieces.complete();
  PENSTOCK_CHECK(pieces.decoder().quiescent());
  pieces.end(cause);
  PENSTOCK_CHECK(pieces.records() == whole.records());
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.sent() == whole.sent());
  PENSTOCK_CHECK((pieces.why() == nullptr) == (whole.why() == nullptr));
  PENSTOCK_CHECK(pieces.longest_tail() <= kMostTail);

  test::Feed stopped(make(), test::Place::kBlock);
  stopped.read(bytes.substr(0, bytes.size() / 2));
  if (const auto due = stopped.decoder().deadline()) {
    stopped.now.monotonic = *due;
    stopped.deadline();
  }
  test::drain(stopped.decoder());
  stopped.complete();
  stopped.read(bytes.substr(bytes.size() / 2));
  stopped.complete();
  stopped.end(EndReason::kDeadline);
  return 0;
}
