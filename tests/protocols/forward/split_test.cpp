#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/compression/compress.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/forward/support.h"

using namespace penstock;
using namespace penstock::test;

namespace {

std::string stream() {
  const std::string gzip = compress(Coding::kGzip, kEntry + kEntryNew);
  return kMessageInt + "\xc0" + kMessageChunk + kForward + "\x90" + kPacked + "\x93" + text("t") +
         bin(gzip) + "\x82" + text("compressed") + text("gzip") + text("chunk") + text("id");
}

void finish(Feed& feed) {
  feed.complete();
  feed.end(EndReason::kFin);
}

}  // namespace

TEST_CASE("forward: the same bytes cut anywhere give the same events and answers",
          "[forward][split]") {
  const auto place = GENERATE(Place::kBlock, Place::kOutside);
  const std::string bytes = stream();
  Feed whole(make_forward(), place);
  REQUIRE(whole.read(bytes));
  finish(whole);
  REQUIRE(whole.records().size() == 8);
  const auto check = [&](const std::vector<std::size_t>& cuts) {
    Feed pieces(make_forward(), place);
    REQUIRE(pieces.read_cut(bytes, cuts));
    finish(pieces);
    REQUIRE(pieces.records() == whole.records());
    REQUIRE(pieces.events() == whole.events());
    REQUIRE(pieces.sent() == whole.sent());
    REQUIRE(same(pieces.counts(), whole.counts()));
  };
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    CAPTURE(first);
    check({first});
    for (std::size_t second = first; second <= bytes.size(); second += 11) check({first, second});
  }
  Feed single(make_forward(), place);
  REQUIRE(single.read_bytewise(bytes));
  finish(single);
  CHECK(single.events() == whole.events());
  CHECK(single.sent() == whole.sent());
}
