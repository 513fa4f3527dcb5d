#include "protocols/framing/delimiter.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Strings = std::vector<std::string>;

TEST_CASE("delimiter: frames of a table of inputs, cut anywhere", "[framing]") {
  struct Row {
    std::string delimiter;
    FramingRow of;
  };
  const auto row = GENERATE(values<Row>({
      {"\n", {"", {}, 0, 0, ""}},
      {"\n", {"a\nb\r\n\nc", {"a", "b\r", ""}, 3, 0, "c"}},  // nothing else is stripped
      {"\r\n", {"a\r\nb\nc\r\n\r\nd\r", {"a", "b\nc", ""}, 6, 0, "d\r"}},
      {"\r\n", {"a\r\r\n\n", {"a\r"}, 2, 0, "\n"}},
      {"\0"s, {"a\0\0b"s, {"a", ""}, 2, 0, "b"}},
      {"\xff\x00"s, {"a\xff\xff\0b\0\xff\0"s, {"a\xff", "b\0"s}, 4, 0, ""}},
      {"---", {"a---b--c----d", {"a", "b--c"}, 6, 0, "-d"}},
      {"aab", {"aaab", {"a"}, 3, 0, ""}},
      {"aab", {"aabaaab", {"", "a"}, 6, 0, ""}},
      {"abab", {"abababab", {"", ""}, 8, 0, ""}},  // an overlap belongs to the first
      {"abab", {"xabaabab", {"xaba"}, 4, 0, ""}},
      {"ababac", {"abababac", {"ab"}, 6, 0, ""}},
      {"||", {"12345678||x||", {"12345678", "x"}, 4, 0, ""}},  // exactly the maximum
      {"||", {"123456789||x||", {"12345678...", "x"}, 4, 1, ""}},
      {"||", {"12345678|9|x||", {"12345678..."}, 2, 4, ""}},
      {"||", {"12345678|", {}, 0, 0, "12345678|"}},        // may still be whole
      {"||", {"123456789|", {"12345678..."}, 0, 1, "|"}},  // framing or cut: not known yet
      {"aab", {"aaaaaaaaaaaaaab", {"aaaaaaaa..."}, 3, 4, ""}},
  }));
  CAPTURE(row.delimiter);
  const DelimiterFramer framer(8, row.delimiter);
  check_row(split_test(framer, row.of.bytes, row.delimiter.back()), row.of);
  check_row(split_test(framer, row.of.bytes, row.delimiter.front()), row.of);
}

TEST_CASE("delimiter: only a LF promises lines", "[framing]") {
  const auto [delimiter, line] = GENERATE(table<std::string, bool>({
      {"\n", true},
      {"\r\n", false},
      {"\n\n", false},
      {";", false},
  }));
  CHECK(DelimiterFramer(8, delimiter).next("a" + delimiter).line == line);
}

TEST_CASE("delimiter: the tail of a truncated frame is its rest", "[framing]") {
  DelimiterFramer framer(2, "||");
  CHECK(framer.tail_kind() == TailKind::kUnfinished);
  CHECK(framer.next("abc|").status == FrameStatus::kTruncated);
  CHECK(framer.tail_kind() == TailKind::kRest);
  CHECK(framer.next("c|").consumed == 1);
  CHECK(framer.next("|").status == FrameStatus::kNeedMore);
  CHECK(framer.next("||").consumed == 2);
  CHECK(framer.tail_kind() == TailKind::kUnfinished);
}

// 64 bytes that begin like the input everywhere: a search that goes back would need 64 steps a byte.
TEST_CASE("delimiter: the longest delimiter, and the worst one", "[framing]") {
  const std::string delimiter = std::string(63, 'a') + 'b';
  const std::string frame(100, 'a');
  const Framed got =
      split_test(DelimiterFramer(200, delimiter), frame + delimiter + delimiter + "a", 'b');
  CHECK(got.frames == Strings{frame, ""});
  CHECK(got.tail == "a");
}
