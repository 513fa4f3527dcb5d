#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "server/commands/send/generated_supply.h"
#include "server/commands/send/reader_supply.h"
#include "server/pipeline/quarantine_format.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;

namespace {

// Takes all of connection `c`, `piece` bytes at a time.
std::string drain(Supply& supply, std::size_t c, std::size_t piece, std::size_t max_records) {
  std::string all;
  for (;;) {
    const Pending pending = supply.pending(c, max_records);
    if (pending.records() == 0) break;
    REQUIRE(pending.records() <= max_records);
    const std::string_view taken = pending.bytes.substr(0, piece);
    all += taken;
    supply.wrote(c, taken.size());
  }
  CHECK(supply.finished(c));
  CHECK_FALSE(supply.in_record(c));
  return all;
}

}  // namespace

TEST_CASE("deal: numbers are dealt in stripes, each once", "[send][supply]") {
  const std::uint64_t count = GENERATE(0u, 1u, 2u, 3u, 7u, 100u);
  const std::size_t connections = GENERATE(1u, 2u, 3u, 8u);
  const Deal deal{1'000, count, connections};
  std::map<std::uint64_t, int> seen;
  for (std::size_t c = 0; c < connections; ++c) {
    for (std::uint64_t nth = 0; nth < deal.records_of(c); ++nth) ++seen[deal.sequence(c, nth)];
  }
  REQUIRE(seen.size() == count);
  for (std::uint64_t n = 0; n < count; ++n) CHECK(seen[1'000 + n] == 1);
}

TEST_CASE("generated supply: bytes are the same however they are taken", "[send][supply]") {
  const PayloadTemplate payload = make_payload(PayloadKind::kRaw, 17, 0);
  const std::size_t piece = GENERATE(1u, 7u, 18u, 19u, 1'000'000u);
  const std::size_t max_records = GENERATE(1u, 3u, 1'000u);
  const std::size_t block = GENERATE(1u, 64u, 4'096u);
  const Deal deal{9'990, 30, 3};
  GeneratedSupply supply(payload, SendFraming::kNewline, deal, block);
  for (std::size_t c = 0; c < 3; ++c) {
    std::string expected;
    for (std::uint64_t nth = 0; nth < 10; ++nth)
      expected += payload.record(deal.sequence(c, nth)) + "\n";
    CHECK(drain(supply, c, piece, max_records) == expected);
    CHECK(supply.sent(c) == 10);
  }
  CHECK(supply.sent() == 30);
}

TEST_CASE("generated supply: connections that take turns in mid-record do not disturb each other",
          "[send][supply]") {
  const PayloadTemplate payload = make_payload(PayloadKind::kRaw, 30, 0);
  const Deal deal{0, 200, 2};
  GeneratedSupply supply(payload, SendFraming::kOctetCounted, deal, 256);
  std::string got[2];
  for (std::size_t i = 0; !supply.finished(0) || !supply.finished(1); ++i) {
    const std::size_t c = i % 2;
    const Pending pending = supply.pending(c, 100);
    const std::string_view taken = pending.bytes.substr(0, 11 + i % 5);
    got[c] += taken;
    supply.wrote(c, taken.size());
  }
  for (std::size_t c = 0; c < 2; ++c) {
    std::string expected;
    for (std::uint64_t nth = 0; nth < 100; ++nth)
      expected += "30 " + payload.record(deal.sequence(c, nth));
    CHECK(got[c] == expected);
  }
}

TEST_CASE("generated supply: digits are right across every carry", "[send][supply]") {
  const PayloadTemplate payload = make_payload(PayloadKind::kRaw, 16, 0);
  const std::size_t connections = GENERATE(1u, 7u, 10'000u, 12'345u);
  const Deal deal{99'999'990'000 - 1, 60'000, connections};
  GeneratedSupply supply(payload, SendFraming::kNone, deal, 1 << 16);
  const Pending pending = supply.pending(0, 5'000);
  for (std::size_t i = 0; i < pending.records(); ++i)
    REQUIRE(pending.record(i) == payload.record(deal.sequence(0, i)));
}

TEST_CASE("reader supply: lines of a file, framed, the last one without LF too", "[send][supply]") {
  const test::TempDir dir;
  test::write_file(dir / "in", "one\n\nthree\r\nlast");
  const std::size_t piece = GENERATE(1u, 2u, 100u);
  auto reader = open_lines(dir / "in").value();
  ReaderSupply supply(*reader, SendFraming::kOctetCounted, 1);
  CHECK(drain(supply, 0, piece, 100) == "3 one0 6 three\r4 last");
  CHECK(supply.sent() == 4);
  CHECK(supply.ended());
}

TEST_CASE("reader supply: records that hold their delimiter are counted", "[send][supply]") {
  const auto [framing, expected] =
      GENERATE(table<SendFraming, std::uint64_t>({{SendFraming::kNewline, 1u},
                                                  {SendFraming::kCrlf, 1u},
                                                  {SendFraming::kNul, 1u},
                                                  {SendFraming::kOctetCounted, 0u}}));
  auto reader = one_record(std::string("a\nb\0c", 5));
  ReaderSupply supply(*reader, framing, 1);
  drain(supply, 0, 100, 100);
  CHECK(supply.holding_delimiter() == expected);
}

TEST_CASE("reader supply: an empty record among others is sent as a message of its own",
          "[send][supply]") {
  const test::TempDir dir;
  test::write_file(dir / "in", "a\n\nb\n");
  auto reader = open_lines(dir / "in").value();
  ReaderSupply supply(*reader, SendFraming::kNone, 1);
  supply.pending(0, 10);
  supply.wrote_records(0, 1);
  const Pending rest = supply.pending(0, 10);
  REQUIRE(rest.records() == 2);
  CHECK(rest.record(0).empty());
  CHECK(rest.record(1) == "b");
}

TEST_CASE(
    "replay: entries with all flags give their bytes in order, bad lines are counted and passed "
    "over",
    "[send][replay]") {
  const test::TempDir dir;
  std::string file;
  for (const int flags : {0, 1, 2, 3}) {
    QuarantineEntry entry;
    entry.time_ns = flags;
    entry.listener = "l";
    entry.reason = "leftover";
    entry.sink = flags % 2 == 0 ? "" : "archive";
    entry.flags = static_cast<std::uint8_t>(flags);
    entry.bytes = "bytes\n" + std::to_string(flags) + std::string(1, '\0');
    file += to_line(entry);
    if (flags == 1) file += "{\"torn\":\n";
  }
  test::write_file(dir / "q.jsonl", file);
  auto reader = open_replay(dir / "q.jsonl").value();
  std::string record;
  for (const int flags : {0, 1, 2, 3}) {
    REQUIRE(reader->next(record) == RecordReader::Got::kRecord);
    CHECK(record == "bytes\n" + std::to_string(flags) + std::string(1, '\0'));
  }
  CHECK(reader->next(record) == RecordReader::Got::kEnd);
  CHECK(reader->bad() == 1);
  CHECK_FALSE(open_replay(dir / "missing"));
}
