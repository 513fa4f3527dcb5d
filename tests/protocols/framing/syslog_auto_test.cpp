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

TEST_CASE("syslog_auto: a line's bytes are not searched again either", "[framing]") {
  // Once it is a line, LF as poison: a second search would end the frame too early.
  CHECK(split_test(SyslogAutoFramer(64), "<13>a line of some length\n<13>another\n", '\n').frames ==
        Strings{"<13>a line of some length", "<13>another"});
}

TEST_CASE("syslog_auto: a maximum smaller than a count's digits is kept for lines and counts",
          "[framing]") {
  const Framed got = split_test(SyslogAutoFramer(2), "12345\n3 abc1 x123\n", '\0');
  CHECK(got.frames == Strings{"12...", "ab...", "x", "12..."});
}
