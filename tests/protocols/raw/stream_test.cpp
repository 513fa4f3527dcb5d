#include <catch2/catch.hpp>

#include "protocols/raw/decoder.h"
#include "tests/protocols/feed.h"

using namespace penstock;
using namespace penstock::testing;

TEST_CASE("newline: lines become records, CR before LF is stripped, empty lines are counted", "[raw]") {
  Feed feed(make_raw_decoder({}));
  feed.read("one\ntw");
  feed.read("o\r\n\n\r\nthree\nta");
  CHECK(feed.records() == std::vector<Record>{{"one"}, {"two"}, {"three"}});
  CHECK(feed.counts().empty == 2);
  CHECK(feed.counts().framing_bytes == 7);
  CHECK(feed.tail() == "ta");
  feed.end(EndReason::kFin);
  CHECK(feed.records().back() == Record{"ta", kFramePartial});
}
