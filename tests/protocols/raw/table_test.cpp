#include "protocols/table.h"

#include <catch2/catch.hpp>

#include "tests/protocols/feed.h"

using namespace penstock;

TEST_CASE(
    "protocol table: raw is spoken over everything, has no port of its own and acknowledges "
    "nothing",
    "[raw]") {
  const ProtocolInfo* raw = find_protocol("raw");
  REQUIRE(raw != nullptr);
  CHECK(raw->transports.streams);
  CHECK(raw->transports.datagrams);
  CHECK(raw->default_port == 0);
  CHECK_FALSE(raw->acks);
}

TEST_CASE("protocol table: names are matched whole and as written", "[raw]") {
  CHECK(find_protocol("") == nullptr);
  CHECK(find_protocol("ra") == nullptr);
  CHECK(find_protocol("RAW") == nullptr);
  CHECK(find_protocol("raws") == nullptr);
}

TEST_CASE("protocol table: each row makes a decoder from its options", "[raw]") {
  penstock::test::Feed feed(
      find_protocol("raw")->make(FramingOptions{.framing = Framing::kOctetCounted}, {}));
  feed.read("3 a\nb");
  CHECK(feed.records() == std::vector<penstock::test::Record>{{"a\nb"}});
  CHECK_FALSE(feed.decoder().replies());
  CHECK(feed.decoder().quiescent());
}
