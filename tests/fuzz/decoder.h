#pragma once

#include <algorithm>
#include <string_view>

#include "protocols/core/check.h"
#include "tests/fuzz/input.h"
#include "tests/protocols/feed.h"

namespace penstock::fuzz {

/// One stream in the pieces of `cuts`.
inline void read_pieces(test::Feed& feed, std::string_view bytes, Cuts cuts) {
  while (!bytes.empty()) {
    const std::size_t size = std::min(cuts.next(), bytes.size());
    feed.read(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

/// A decoder over a stream, at once and in pieces: the same events, replies and refusals, and the same counts unless the
/// stream was given up as malformed. Feed aborts where the ledger's identities do not hold after any call. `make()` gives
/// a new decoder.
template <class Make>
void check_stream(Make&& make, EndReason cause, std::string_view bytes, Cuts cuts) {
  test::Feed whole(make(), test::Place::kBlock);
  whole.read(bytes);
  whole.end(cause);
  test::Feed pieces(make(), test::Place::kOutside);
  read_pieces(pieces, bytes, cuts);
  pieces.end(cause);
  PENSTOCK_CHECK(pieces.records() == whole.records());
  PENSTOCK_CHECK(pieces.events() == whole.events());
  PENSTOCK_CHECK(pieces.sent() == whole.sent());
  PENSTOCK_CHECK((pieces.why() == nullptr) == (whole.why() == nullptr));
  if (whole.why() != nullptr) return;
  PENSTOCK_CHECK(test::same(pieces.counts(), whole.counts()));
  PENSTOCK_CHECK(pieces.refusals() == whole.refusals());
}

/// The same bytes as datagrams of one decoder, some of them cut off by the kernel.
template <class Make>
void check_datagrams(Make&& make, std::string_view bytes, Cuts cuts) {
  test::Feed feed(make());
  while (!bytes.empty()) {
    const std::size_t size = std::min(8 * cuts.next() - 1, bytes.size());
    const std::size_t cut_off = cuts.next() < 2 ? cuts.next() : 0;
    feed.datagram(bytes.substr(0, size), size + cut_off);
    bytes.remove_prefix(size);
  }
}

}  // namespace penstock::fuzz
