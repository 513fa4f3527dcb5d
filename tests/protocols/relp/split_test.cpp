#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "protocols/relp/decoder.h"
#include "tests/protocols/feed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

const std::string kStream =
    "1 open 30 relp_version=0\ncommands=syslog\n"
    "2 syslog 23 <13>Nov 29 20:00:00 a b\n"
    "3 syslog 0\n"
    "4 syslog 24 <13>Nov 29 20:00:00 a c\n\n"
    "5 syslog 50 <13>1 2026-11-29T20:00:00Z web1 app 7 - - too long\n"
    "6 syslog 5 <999>\n"
    "7 close 0\n";

std::unique_ptr<Decoder> make() { return make_relp_decoder({.max_frame_bytes = 40}, {}, {}); }

void finish(Feed& feed) {
  feed.complete();
  feed.end(EndReason::kFin);
}

}  // namespace

TEST_CASE("relp: the same bytes cut anywhere give the same events and answers", "[relp][split]") {
  const auto place = GENERATE(Place::kBlock, Place::kOutside);
  Feed whole(make(), place);
  REQUIRE(whole.read(kStream));
  finish(whole);
  REQUIRE(whole.records().size() == 4);
  const auto check = [&](const std::vector<std::size_t>& cuts) {
    Feed pieces(make(), place);
    REQUIRE(pieces.read_cut(kStream, cuts));
    finish(pieces);
    REQUIRE(pieces.records() == whole.records());
    REQUIRE(pieces.events() == whole.events());
    REQUIRE(pieces.sent() == whole.sent());
    REQUIRE(same(pieces.counts(), whole.counts()));
  };
  for (std::size_t first = 0; first <= kStream.size(); ++first) {
    CAPTURE(first);
    check({first});
    for (std::size_t second = first; second <= kStream.size(); second += 7) check({first, second});
  }
  Feed bytes(make(), place);
  REQUIRE(bytes.read_bytewise(kStream));
  finish(bytes);
  CHECK(bytes.records() == whole.records());
  CHECK(bytes.sent() == whole.sent());
  CHECK(same(bytes.counts(), whole.counts()));
}
