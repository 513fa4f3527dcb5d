#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/feed.h"
#include "tests/protocols/lumberjack/support.h"

using namespace penstock;
using namespace penstock::test;

namespace {

std::string stream() {
  return window(2) + json(1, R"({"n":1})") + json(2, R"({"n":2})") + window(0) + window(1, '1') +
         data(1, {"line", "hello", "file", "f"}) + window(3) +
         compressed(json(1, R"({"n":3})") + data(2, {"n", "4"}, '2')) + json(3, R"({"n":5})") +
         compressed(window(1) + json(1, "{}"));
}

void finish(Feed& feed) {
  feed.complete();
  feed.end(EndReason::kFin);
}

}  // namespace

TEST_CASE("lumberjack: the same bytes cut anywhere give the same events and acknowledgements",
          "[lumberjack][split]") {
  const auto place = GENERATE(Place::kBlock, Place::kOutside);
  const std::string bytes = stream();
  Feed whole(make_lumberjack(), place);
  REQUIRE(whole.read(bytes));
  finish(whole);
  REQUIRE(whole.records().size() == 7);
  CHECK(whole.sent() == ack(2) + ack(1, '1') + ack(3) + ack(1));
  const auto check = [&](const std::vector<std::size_t>& cuts) {
    Feed pieces(make_lumberjack(), place);
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
  Feed single(make_lumberjack(), place);
  REQUIRE(single.read_bytewise(bytes));
  finish(single);
  CHECK(single.events() == whole.events());
  CHECK(single.sent() == whole.sent());
}
