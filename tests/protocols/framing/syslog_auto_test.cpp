#include "protocols/framing/syslog_auto.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Strings = std::vector<std::string>;

TEST_CASE("syslog_auto: each frame is a count or a line, wherever it is cut", "[framing]") {
  const auto row = GENERATE(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {"<13>a\n5 hello<13>b\r\n", {"<13>a", "hello", "<13>b"}, 5, 0, ""},
      {"5 hello\n<13>b\n", {"hello", "<13>b"}, 4, 0, ""},        // one LF behind a counted frame
      {"5 hello\n\n<13>b\n", {"hello", "", "<13>b"}, 5, 0, ""},  // the second is an empty line
      {"<1>a\n\n5 hello", {"<1>a", "", "hello"}, 4, 0, ""},
      {"6 hello\n5 hello", {"hello", "hello"}, 5, 0, ""},
      {"2024-01-01 x\n", {"2024-01-01 x"}, 1, 0, ""},
      {"2024\n", {"2024"}, 1, 0, ""},
      {"20x\n", {"20x"}, 1, 0, ""},
      {"0 hello\n", {"0 hello"}, 1, 0, ""},  // leading zero
      {"05 hello\n", {"05 hello"}, 1, 0, ""},
      {"123456789 x\n", {"123456789 x"}, 1, 0, ""},  // nine digits
      {" 5 hello\n", {" 5 hello"}, 1, 0, ""},
      {"-5 hello\n", {"-5 hello"}, 1, 0, ""},
      {"5\thello\n", {"5\thello"}, 1, 0, ""},
      {"\n5 hello", {"", "hello"}, 3, 0, ""},
      {"5\r\n1 x", {"5", "x"}, 4, 0, ""},
      {"1234567", {}, 0, 0, "1234567"},
      {"12345678", {}, 0, 0, "12345678"},
      {"10 green b", {}, 0, 0, "10 green b"},
      {"1 \n1 \n\nx\n", {"", "", "x"}, 8, 0, ""},
      {"18 123456789012345678<1>x\n", {"1234567890123456...", "<1>x"}, 4, 2, ""},
      {"123456789012345678\r\n1 x", {"1234567890123456...", "x"}, 3, 3, ""},
      {"<2345678901234567\n2024 x\n", {"<234567890123456..."}, 1, 1, "2024 x\n"},
      {"99999999 1234567890123456abc\n", {"1234567890123456..."}, 9, 4, ""},
  }));
  // No poison here: digits are looked at twice, to decide and as a count.
  const Framed got = split_test(SyslogAutoFramer(16), row.bytes, '\0');
  check_row(got, row);
  CHECK(got.why == "");
}

TEST_CASE("syslog_auto: how a connection begins says whether NUL ends its messages", "[framing]") {
  const auto row = GENERATE(values<FramingRow>({
      {"<14>a\0<14>b\0"s, {"<14>a", "<14>b"}, 2, 0, ""},  // Python
      {"<14>a\0<14>b"s, {"<14>a"}, 1, 0, "<14>b"},
      {"<14>a\0<1>x\ny\0"s, {"<14>a", "<1>x\ny"}, 2, 0, ""},
      {"<14>a\nb\0<1>x\ny\0"s, {"<14>a", "b", "<1>x\ny"}, 3, 0, ""},
      {"<14>a\n\0<1>x\n\0"s, {"<14>a", "<1>x"}, 4, 0, ""},  // Perl
      {"<14>a\r\n\0<1>x\r\n\0"s, {"<14>a", "<1>x"}, 6, 0, ""},
      {"<14>a\n\0<1>x\ny\0<1>z\n\0"s, {"<14>a", "<1>x\ny", "<1>z"}, 5, 0, ""},
      {"<14>a\n\0<1>x\n"s, {"<14>a"}, 2, 0, "<1>x\n"},
      {"\0<14>a\0\0<1>x\n<2>\0\0"s, {"<14>a", "<1>x\n<2>", ""}, 5, 0, ""},
      {"<14>a\n<1>x\0<2>\n"s, {"<14>a", "<1>x\0<2>"s}, 2, 0, ""},  // text
      {"<14>a\n5 x\0<1>\0\n"s, {"<14>a", "x\0<1>"s, "\0"s}, 4, 0, ""},
      {"<14>a\0b\n<1>x\0<2>\n"s, {"<14>a", "b", "<1>x\0<2>"s}, 3, 0, ""},
      {"<14>a\0\n<1>x\0\n"s, {"<14>a", "", "<1>x\0"s}, 3, 0, ""},
      {"5 a\0<1>x\0<2>\n"s, {"a\0<1>"s, "x\0<2>"s}, 3, 0, ""},
      {"a\0<1>\n<1>b\0<2>\n"s, {"a\0<1>"s, "<1>b\0<2>"s}, 2, 0, ""},
      {"<a\0<1>\n"s, {"<a\0<1>"s}, 1, 0, ""},
      {"<", {}, 0, 0, "<"},
      {"<14>\r", {}, 0, 0, "<14>\r"},
      {"<1>\0<234567890123456\n\0<1>\0"s, {"<1>", "<234567890123456", "<1>"}, 4, 0, ""},
      {"<1>\0<1345678901234567\r\n\0<1>\0"s, {"<1>", "<134567890123456...", "<1>"}, 3, 3, ""},
      {"<1>\0<134567890123456\r\n\0<1>\0"s, {"<1>", "<134567890123456", "<1>"}, 5, 0, ""},
      {"<1>\0<134567890123456\rx\n\0<1>\0"s, {"<1>", "<134567890123456...", "<1>"}, 3, 3, ""},
      {"<134567890123456\r\0<1>\0"s, {"<134567890123456...", "<1>"}, 2, 1, ""},
      {"<134567890123456\r\n\0<1>\0"s, {"<134567890123456", "<1>"}, 4, 0, ""},
      {"<13456789012345678\n\0<1>a\nb\0"s, {"<134567890123456...", "<1>a\nb"}, 3, 2, ""},
      {"<13456789012345678\0<1>a\nb\0"s, {"<134567890123456...", "<1>a\nb"}, 2, 2, ""},
  }));
  // No poison: CR and LF are looked at again once the NUL is there.
  const Framed got = split_test(SyslogAutoFramer(16), row.bytes, '\0');
  check_row(got, row);
  CHECK(got.why == "");
}

TEST_CASE("syslog_auto: what ends a message whose NUL does not come is known", "[framing]") {
  SyslogAutoFramer framer(16);
  CHECK(framer.tail_back("<14>a\r") == 1);
  CHECK(framer.tail_back("<14>a\n") == 0);
  REQUIRE(framer.next("<14>a\n").status == FrameStatus::kFrame);
  REQUIRE(framer.next("\0"s).status == FrameStatus::kSkipping);
  CHECK(framer.tail_back("<14>a\r") == 0);
  CHECK(framer.tail_back("<14>a\n") == 1);
  CHECK(framer.tail_back("<14>a\r\n") == 2);
}

TEST_CASE("syslog_auto: a line's bytes are not searched again either", "[framing]") {
  // Once it is a line, LF as poison: a second search would end the frame too early.
  CHECK(split_test(SyslogAutoFramer(64), "<13>a line of some length\n<13>another\n", '\n').frames ==
        Strings{"<13>a line of some length", "<13>another"});
  CHECK(
      split_test(SyslogAutoFramer(64), "<13>a line of some length\0<13>another\0"s, '\n').frames ==
      Strings{"<13>a line of some length", "<13>another"});
}

TEST_CASE("syslog_auto: a maximum smaller than a count's digits is kept for lines and counts",
          "[framing]") {
  const Framed got = split_test(SyslogAutoFramer(2), "12345\n3 abc1 x123\n", '\0');
  CHECK(got.frames == Strings{"12...", "ab...", "x", "12..."});
}
