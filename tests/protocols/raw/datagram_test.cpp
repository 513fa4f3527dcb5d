#include <catch2/catch.hpp>

#include "protocols/raw/decoder.h"
#include "tests/protocols/feed.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Records = std::vector<Record>;
using Refusals = std::vector<Refusal>;

TEST_CASE("datagram: one frame each, one delimiter at its end is framing", "[raw]") {
  struct Row {
    Framing framing;
    std::string bytes;
    Records records;
    std::uint64_t framing_bytes, empty;
  };
  const auto row = GENERATE(values<Row>({
      {Framing::kNewline, "hello", {{"hello"}}, 0, 0},
      {Framing::kNewline, "hello\n", {{"hello"}}, 1, 0},
      {Framing::kNewline, "hello\r\n", {{"hello"}}, 2, 0},
      {Framing::kNewline, "hello\n\n", {{"hello\n"}}, 1, 0},
      {Framing::kNewline, "hello\r", {{"hello\r"}}, 0, 0},
      {Framing::kNewline, "a\nb\nc", {{"a\nb\nc"}}, 0, 0},
      {Framing::kNewline, "hello\0"s, {{"hello\0"s}}, 0, 0},  // NUL passes, it is not the delimiter
      {Framing::kNewline, "\0"s, {{"\0"s}}, 0, 0},
      {Framing::kNewline, "", {}, 0, 1},
      {Framing::kNewline, "\n", {}, 1, 1},
      {Framing::kNewline, "\r\n", {}, 2, 1},
      {Framing::kNul, "hello\0"s, {{"hello"}}, 1, 0},
      {Framing::kNul, "hello\n", {{"hello\n"}}, 0, 0},
      {Framing::kNul, "\0"s, {}, 1, 1},
      {Framing::kOctetCounted,
       "5 hello\n",
       {{"5 hello"}},
       1,
       0},  // a datagram has its own edge: no count is looked for
      {Framing::kSyslogAuto, "5 hello", {{"5 hello"}}, 0, 0},
      {Framing::kNewline, "0123456789", {{"0123456789"}}, 0, 0},  // exactly the maximum
      {Framing::kNewline,
       "0123456789\r\n",
       {{"0123456789"}},
       2,
       0},  // the delimiter does not count
  }));
  Feed feed(make_raw_decoder({.framing = row.framing, .max_frame_bytes = 10}));
  CAPTURE(row.bytes);
  feed.datagram(row.bytes);
  CHECK(feed.records() == row.records);
  CHECK(feed.counts().framing_bytes == row.framing_bytes);
  CHECK(feed.counts().empty == row.empty);
  CHECK(feed.counts().frames == 1);
}

TEST_CASE("datagram: split gives a frame a line, the last one without LF included", "[raw]") {
  struct Row {
    std::string bytes;
    Records records;
    std::uint64_t framing_bytes, empty;
  };
  const auto row = GENERATE(values<Row>({
      {"a\nb\nc", {{"a"}, {"b"}, {"c"}}, 2, 0},
      {"a\r\nb\n", {{"a"}, {"b"}}, 3, 0},
      {"a\nb\r", {{"a"}, {"b"}}, 2, 0},
      {"a\n\nb", {{"a"}, {"b"}}, 2, 1},
      {"\n", {}, 1, 1},
      {"\r\n\n", {}, 3, 2},
      {"\r", {}, 1, 1},
      {"", {}, 0, 1},
      {"gauge:1|g", {{"gauge:1|g"}}, 0, 0},
  }));
  CAPTURE(row.bytes);
  Feed feed(make_raw_decoder({.split = Split::kNewline}));
  feed.datagram(row.bytes);
  CHECK(feed.records() == row.records);
  CHECK(feed.counts().framing_bytes == row.framing_bytes);
  CHECK(feed.counts().empty == row.empty);
  CHECK(feed.lines());
}

TEST_CASE("datagram: the delimiter at its end is taken off behind lines too", "[raw]") {
  const auto [options, bytes, framing_bytes] =
      GENERATE(table<FramingOptions, std::string, std::uint64_t>({
          {{.framing = Framing::kNul, .split = Split::kNewline}, std::string("a\nb\0", 4), 2},
          {{.framing = Framing::kDelimiter, .delimiter = "__LOG4JS__", .split = Split::kNewline},
           "a\nb__LOG4JS__",
           11},
      }));
  Feed feed(make_raw_decoder(options));
  feed.datagram(bytes);
  CHECK(feed.records() == Records{{"a"}, {"b"}});
  CHECK(feed.counts().framing_bytes == framing_bytes);
}

TEST_CASE("datagram: too long for the maximum, or cut by the kernel", "[raw]") {
  const auto oversize = GENERATE(Oversize::kTruncate, Oversize::kDrop, Oversize::kClose);
  struct Row {
    std::string bytes;
    std::size_t wire_bytes;
    std::string head;
    std::uint64_t lost;
  };
  const auto row = GENERATE(values<Row>({
      {"0123456789", 11, "0123456789", 1},  // the slot was just the maximum
      {"0123456789", 65507, "0123456789", 65497},
      {"0123456789ab", 12, "0123456789", 2},  // the slot was longer
      {"0123456789ab", 20, "0123456789", 10},
      {"012345678\n", 20, "012345678\n", 10},  // not its end: the LF is data
      {"01", 20, "01", 18},
  }));
  CAPTURE(row.bytes, row.wire_bytes, int(oversize));
  Feed feed(make_raw_decoder({.max_frame_bytes = 10, .oversize = oversize}));
  feed.datagram(row.bytes, row.wire_bytes);
  feed.datagram("next");
  CHECK(feed.counts().frames == 2);
  if (oversize == Oversize::kTruncate) {
    CHECK(feed.records() == Records{{row.head, kFrameTruncated}, {"next"}});
    CHECK(feed.counts().cut_bytes == row.lost);
  } else {
    CHECK(feed.records() == Records{{"next"}});
    CHECK(feed.refusals() == Refusals{{Reason::kOversize, row.head}});
    CHECK(feed.counts().discarded_bytes[static_cast<std::size_t>(Reason::kOversize)] ==
          row.head.size() + row.lost);
  }
}

TEST_CASE("datagram: split and oversize: only the lines that are too long or cut off suffer",
          "[raw]") {
  SECTION("a long line among others") {
    Feed feed(make_raw_decoder({.split = Split::kNewline, .max_frame_bytes = 4}));
    feed.datagram("ab\nabcdefg\r\ncd");
    CHECK(feed.records() == Records{{"ab"}, {"abcd", kFrameTruncated}, {"cd"}});
    CHECK(feed.counts().cut_bytes == 3);
  }
  SECTION("the kernel cut the last line") {
    Feed feed(make_raw_decoder({.split = Split::kNewline, .oversize = Oversize::kDrop}));
    feed.datagram("ab\ncd", 100);
    CHECK(feed.records() == Records{{"ab"}});
    CHECK(feed.refusals() == Refusals{{Reason::kOversize, "cd"}});
  }
  SECTION("the kernel cut behind a LF: whole lines stay whole, the loss is counted") {
    const auto oversize = GENERATE(Oversize::kTruncate, Oversize::kDrop);
    Feed feed(make_raw_decoder({.split = Split::kNewline, .oversize = oversize}));
    feed.datagram("ab\ncd\n", 100);
    CHECK(feed.records() == Records{{"ab"}, {"cd"}});
    const bool truncate = oversize == Oversize::kTruncate;
    CHECK(feed.counts().cut_bytes == (truncate ? 94 : 0));
    CHECK(feed.noted().size() == (truncate ? 1 : 0));
    CHECK(feed.counts().frames == (truncate ? 2 : 3));
  }
}

TEST_CASE("datagram: nothing received of a datagram that had bytes", "[raw]") {
  Feed feed(make_raw_decoder({}));
  feed.datagram("", 5);
  CHECK(feed.records().empty());
  CHECK(feed.counts().cut_bytes == 5);
}

TEST_CASE("datagram: the largest ones there are", "[raw]") {
  Feed feed(make_raw_decoder({.max_frame_bytes = 1 << 20}));
  feed.datagram(std::string(65507, '\0'));
  feed.datagram(std::string(212960, '\xff'));
  CHECK(feed.records() == Records{{std::string(65507, '\0')}, {std::string(212960, '\xff')}});
}
