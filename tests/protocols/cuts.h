#pragma once

#include <catch2/catch.hpp>
#include <string_view>

#include "tests/protocols/feed.h"

namespace penstock::test {

/// The split test of a decoder: `bytes` at once, a byte at a time and cut at every position give the same events, counts,
/// refusals and replies, wherever the input lies. `make` gives a new decoder. Gives what was fed at once.
template <class Make>
Feed check_every_cut(Make&& make, std::string_view bytes) {
  Feed whole(make());
  whole.read(bytes);
  whole.end(EndReason::kFin);
  const auto check = [&](Feed& feed) {
    feed.end(EndReason::kFin);
    REQUIRE(feed.records() == whole.records());
    REQUIRE(feed.events() == whole.events());
    REQUIRE(feed.refusals() == whole.refusals());
    REQUIRE(feed.sent() == whole.sent());
    REQUIRE(same(feed.counts(), whole.counts()));
  };
  for (const Place place : {Place::kBlock, Place::kOutside}) {
    Feed bytewise(make(), place);
    bytewise.read_bytewise(bytes);
    check(bytewise);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      Feed feed(make(), place);
      feed.read_cut(bytes, {cut});
      check(feed);
    }
  }
  return whole;
}

}  // namespace penstock::test
