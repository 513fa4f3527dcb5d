#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "protocols/framed/send_framing.h"
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

TEST_CASE("framing: what keeps a record whole", "[send][framing]") {
  const auto [record, newline, crlf, nul] = GENERATE(table<std::string, bool, bool, bool>({
      {"plain", true, true, true},
      {"10 green bottles", true, true, true},
      {"ends in CR\r", false, true, true},
      {"\r", false, true, true},
      {"CR \r inside", true, true, true},
      {"LF \n inside", false, false, true},
      {"ends in LF\n", false, false, true},
      {std::string("NUL\0inside", 10), true, true, false},
  }));
  CAPTURE(record);
  CHECK(keeps_whole(SendFraming::kNewline, Carrier::kStream, record) == newline);
  CHECK(keeps_whole(SendFraming::kCrlf, Carrier::kStream, record) == crlf);
  CHECK(keeps_whole(SendFraming::kNul, Carrier::kStream, record) == nul);
  CHECK(keeps_whole(SendFraming::kOctetCounted, Carrier::kStream, record));
  CHECK(keeps_whole(SendFraming::kSyslogAuto, Carrier::kStream, record));
  CHECK(keeps_whole(SendFraming::kNone, Carrier::kStream, record));
}

TEST_CASE("framing: a message holds any record, and loses one delimiter at its end",
          "[send][framing]") {
  const auto [record, none, newline] = GENERATE(table<std::string, bool, bool>({
      {"plain", true, true},
      {"LF \n inside", true, true},
      {"ends in LF\n", false, true},
      {"ends in CRLF\r\n", false, true},
      {"ends in CR\r", true, false},
      {std::string("ends in NUL\0", 12), true, true},
  }));
  CAPTURE(record);
  CHECK(keeps_whole(SendFraming::kNone, Carrier::kMessages, record) == none);
  CHECK(keeps_whole(SendFraming::kNewline, Carrier::kMessages, record) == newline);
  CHECK(keeps_whole(SendFraming::kCrlf, Carrier::kMessages, record));
  CHECK(keeps_whole(SendFraming::kNul, Carrier::kMessages, record));
}

TEST_CASE("framing: an octet-counted record that ends in LF gets one for the receiver to take off",
          "[send][framing]") {
  const auto [record, wire] = GENERATE(table<std::string, std::string>({{"a", "1 a"},
                                                                        {"a\n", "3 a\n\n"},
                                                                        {"a\r\n", "4 a\r\n\n"},
                                                                        {"a\r", "2 a\r"},
                                                                        {"\n", "2 \n\n"}}));
  const SendFraming framing = GENERATE(SendFraming::kOctetCounted, SendFraming::kSyslogAuto);
  const auto reader = one_record(record);
  ReaderSupply supply(*reader, framing, 1);
  CHECK(drain(supply, 0, 100, 100) == wire);
}

TEST_CASE("reader supply: the CR of a text file's line is no loss, that of an entry is",
          "[send][supply]") {
  const test::TempDir dir;
  test::write_file(dir / "lines", "one\r\ntwo\r\n");
  QuarantineEntry entry;
  entry.bytes = "one\r";
  test::write_file(dir / "entries", to_line(entry));
  const auto lines = open_lines(dir / "lines").value();
  const auto entries = open_replay(dir / "entries").value();
  ReaderSupply of_lines(*lines, SendFraming::kNewline, 1);
  ReaderSupply of_entries(*entries, SendFraming::kNewline, 1);
  CHECK(drain(of_lines, 0, 100, 100) == "one\r\ntwo\r\n");
  CHECK(drain(of_entries, 0, 100, 100) == "one\r\n");
  CHECK(of_lines.holding_delimiter() == 0);
  CHECK(of_entries.holding_delimiter() == 1);
}

TEST_CASE("framing: lengths, delimiters and JSON on the wire, and what they cannot carry",
          "[send][framing]") {
  using std::string_literals::operator""s;
  FrameForm delimiter(SendFraming::kDelimiter);
  delimiter.delimiter = "aab";
  FrameForm length(SendFraming::kLengthPrefixed);
  length.length = {.bytes = 1, .offset = 2, .includes_header = true};
  FrameForm little(SendFraming::kLengthPrefixed);
  little.length = {.bytes = 4, .order = std::endian::little};
  FrameForm fixed(SendFraming::kFixed);
  fixed.frame_bytes = 3;
  struct Row {
    FrameForm form;
    std::string record, wire;
    bool kept;
  };
  const auto row = GENERATE_COPY(values<Row>({
      {delimiter, "x", "xaab", true},
      {delimiter, "a", "aaab", true},  // the first delimiter is still the last three bytes
      {delimiter, "xaabx", "xaabxaab", false},
      {length, "abc", "\0\0\6abc"s, true},
      {length, std::string(252, 'x'), "\0\0\xff"s + std::string(252, 'x'), true},
      {length, std::string(253, 'x'), "\0\0\0"s + std::string(253, 'x'), false},
      {little, "abc", "\3\0\0\0abc"s, true},
      {SendFraming::kVarint, "abc", "\3abc", true},
      {SendFraming::kVarint, std::string(300, 'x'), "\xac\x02" + std::string(300, 'x'), true},
      {fixed, "abc", "abc", true},
      {fixed, "abcd", "abcd", false},
      {SendFraming::kJson, R"({"a":1})", "{\"a\":1}\n", true},
      {SendFraming::kJson, "[1,]", "[1,]\n", false},
      {SendFraming::kJson, " 1", " 1\n", false},
  }));
  CAPTURE(row.record);
  CHECK(keeps_whole(row.form, Carrier::kStream, row.record) == row.kept);
  const auto reader = one_record(row.record);
  ReaderSupply supply(*reader, row.form, 1);
  CHECK(drain(supply, 0, 1000, 1000) == row.wire);
  CHECK(supply.holding_delimiter() == (row.kept ? 0 : 1));
}

TEST_CASE("framing none: entries that run together on a stream are told", "[send][supply]") {
  const test::TempDir dir;
  QuarantineEntry entry;
  entry.bytes = "one";
  test::write_file(dir / "entries", to_line(entry) + to_line(entry));
  const auto entries = open_replay(dir / "entries").value();
  ReaderSupply supply(*entries, SendFraming::kNone, 1);
  CHECK(drain(supply, 0, 100, 100) == "oneone");
  CHECK(supply.holding_delimiter() == 1);
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

TEST_CASE("replay: of one listener only its entries, and none at all is no success",
          "[send][replay]") {
  const test::TempDir dir;
  std::string file;
  for (const std::string name : {"a", "b", "a", "ab"}) {
    QuarantineEntry entry;
    entry.listener = name;
    entry.bytes = name + std::to_string(file.size());
    file += to_line(entry);
  }
  test::write_file(dir / "q.jsonl", file);
  const auto [listener, expected] =
      GENERATE(table<std::string, std::size_t>({{"", 4}, {"a", 2}, {"b", 1}, {"c", 0}}));
  CAPTURE(listener);
  const auto reader = open_replay(dir / "q.jsonl", listener).value();
  std::string record;
  std::size_t records = 0;
  while (reader->next(record) == RecordReader::Got::kRecord) {
    ++records;
    CHECK(record.starts_with(listener));
  }
  CHECK(records == expected);
  CHECK(reader->bad() == (expected == 0 ? 1 : 0));
  CHECK(reader->next(record) == RecordReader::Got::kEnd);
  CHECK(reader->bad() == (expected == 0 ? 1 : 0));
}
