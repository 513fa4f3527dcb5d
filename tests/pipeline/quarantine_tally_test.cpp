#include "server/pipeline/quarantine_tally.h"

#include <catch2/catch.hpp>

#include "tests/pipeline/quarantine_entries.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

QuarantineEntry entry(std::string listener, std::string reason, std::string bytes) {
  QuarantineEntry entry = entry_of(std::move(bytes));
  entry.listener = std::move(listener);
  entry.reason = std::move(reason);
  return entry;
}

std::string shown(const std::string& bytes) {
  QuarantineTally tally;
  tally.add(entry("l", "r", bytes));
  REQUIRE(tally.last().size() == 1);
  CHECK(tally.last()[0].size == bytes.size());
  return tally.last()[0].entry.bytes;
}

}  // namespace

TEST_CASE("quarantine tally: counts by reason and listener, in their order", "[quarantine]") {
  QuarantineTally tally;
  CHECK(tally.counts().empty());
  tally.add(entry("b", "oversize", "12345"));
  tally.add(entry("a", "tail_reset", "1"));
  tally.add(entry("b", "oversize", ""));
  tally.add(entry("a", "oversize", "12"));
  CHECK(tally.counts() == std::vector<QuarantineCount>{{"oversize", "a", 1, 2},
                                                       {"oversize", "b", 2, 5},
                                                       {"tail_reset", "a", 1, 1}});
}

TEST_CASE("quarantine tally: the last fifty, the newest first", "[quarantine]") {
  QuarantineTally tally;
  CHECK(tally.last().empty());
  for (int i = 0; i < 3; ++i) tally.add(entry("l", "r", std::to_string(i)));
  REQUIRE(tally.last().size() == 3);
  CHECK(tally.last()[0].entry == entry("l", "r", "2"));
  CHECK(tally.last()[2].entry.bytes == "0");
  for (int i = 3; i < 1234; ++i) tally.add(entry("l", "r", std::to_string(i)));
  const auto last = tally.last();
  REQUIRE(last.size() == QuarantineTally::kLast);
  for (std::size_t i = 0; i < last.size(); ++i)
    CHECK(last[i].entry.bytes == std::to_string(1233 - i));
  CHECK(tally.counts()[0].count == 1234);
}

TEST_CASE("quarantine tally: bytes are cut at 256, not within a character", "[quarantine]") {
  CHECK(shown("") == "");
  CHECK(shown(std::string(256, 'x')) == std::string(256, 'x'));
  CHECK(shown(std::string(70'000, 'x')) == std::string(256, 'x'));
  CHECK(shown(std::string(255, 'x') + "\xc3\xa4") == std::string(255, 'x'));
  CHECK(shown(std::string(253, 'x') + "\xf0\x9f\x98\x80") == std::string(253, 'x'));
  CHECK(shown(std::string(254, 'x') + "\xc3\xa4-") == std::string(254, 'x') + "\xc3\xa4");
  CHECK(shown(std::string(400, '\x80')) == std::string(256, '\x80'));
}

TEST_CASE("quarantine: what found no room in the file is in the tally as well", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  quarantine->put(entry("l", "oversize", "1234"));
  quarantine->close();
  quarantine->put(entry("l", "oversize", "5"));
  CHECK(quarantine->dropped() == 1);
  CHECK(quarantine->tally().counts() == std::vector<QuarantineCount>{{"oversize", "l", 2, 5}});
  CHECK(quarantine->tally().last()[0].entry.bytes == "5");
}
