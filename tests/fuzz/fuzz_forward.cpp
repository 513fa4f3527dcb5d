#include <algorithm>

#include "protocols/core/check.h"
#include "protocols/forward/decoder.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/unheard.h"

// A Forward connection from its first byte to its last, in two ways of cutting, with and without handshake; completions,
// the stop and the end come where the input says; and the same bytes as a datagram. Each event's frame must be a message
// that gives the same event. Feed aborts where the ledger's identities do not hold.
namespace {

using namespace penstock;

constexpr std::size_t kMostBytes = 4096;

ForwardOptions options_of(bool handshake, bool users) {
  ForwardOptions options{.max_decompressed_bytes = 64 << 10, .max_depth = 8};
  if (!handshake) return options;
  ForwardSecrets secrets{.shared_key = "key", .server_name = "server"};
  if (users) secrets.users = {{"user", "pass"}};
  secrets.fill_random = [](std::span<char> bytes) { std::ranges::fill(bytes, 'N'); };
  options.secrets = std::make_shared<const ForwardSecrets>(std::move(secrets));
  return options;
}

std::unique_ptr<Decoder> make(const ForwardOptions& options) {
  return make_forward_decoder({.max_frame_bytes = kMostBytes}, options);
}

void check_frames(const test::Feed& feed) {
  test::Feed again(make_forward_decoder({.max_frame_bytes = kMostBytes * 32}, {}));
  for (const test::Record& record : feed.records()) PENSTOCK_CHECK(again.read(record.bytes));
  PENSTOCK_CHECK(again.events() == feed.events());
}

}  // namespace

// Bytes 0 and 1: cuts, handshake and cause; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t more = input.byte();
  const auto cause = static_cast<EndReason>(more % 5);
  const ForwardOptions options = options_of(more / 5 % 2 != 0, more / 10 % 2 != 0);
  const std::string_view bytes = input.payload();

  test::Feed whole(make(options), test::Place::kBlock);
  whole.open();
  whole.read(bytes);
  whole.complete();
  whole.end(cause);
  test::Feed pieces(make(options), test::Place::kOutside);
  pieces.open();
  fuzz::read_pieces(pieces, bytes, cuts);
  pieces.complete();
  PENSTOCK_CHECK(pieces.decoder().quiescent());
  pieces.end(cause);
  PENSTOCK_CHECK(pieces.records() == whole.records());
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.sent() == whole.sent());
  PENSTOCK_CHECK((pieces.why() == nullptr) == (whole.why() == nullptr));
  PENSTOCK_CHECK(pieces.longest_tail() <= kMostBytes);
  check_frames(whole);

  test::Feed stopped(make(options), test::Place::kBlock);
  stopped.open();
  stopped.read(bytes.substr(0, bytes.size() / 2));
  test::drain(stopped.decoder());
  stopped.complete();
  stopped.read(bytes.substr(bytes.size() / 2));
  stopped.complete();
  stopped.end(EndReason::kDeadline);

  test::Feed datagrams(make(options));
  datagrams.datagram(bytes);
  datagrams.datagram(bytes.substr(0, 1));
  PENSTOCK_CHECK(datagrams.records().empty());
  return 0;
}
