#include "protocols/framing/varint.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Strings = std::vector<std::string>;

TEST_CASE("varint: frames of a table of inputs, cut anywhere", "[framing]") {
  const std::string longest = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";  // 2^64 - 1
  const auto row = GENERATE_COPY(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {"\3abc\0\1d"s, {"abc", "", "d"}, 3, 0, ""},
      {"\3ab", {}, 0, 0, "\3ab"},
      {"\x83", {}, 0, 0, "\x83"},
      {"\x10"
       "1234567890123456"
       "\1x",
       {"1234567890123456", "x"},
       2,
       0,
       ""},  // exactly the maximum
      {"\x11"
       "12345678901234567"
       "\1x",
       {"1234567890123456...", "x"},
       2,
       1,
       ""},
      {"\xac\x02" + std::string(300, 'y') + "\1x", {std::string(16, 'y') + "...", "x"}, 3, 284, ""},
      // longer than needed
      {"\x80\0\x81\0x"s, {"", "x"}, 4, 0, ""},
      {"\x81\x80\x80\x80\x80\x80\x80\x80\x80\0x\1y"s, {"x", "y"}, 11, 0, ""},
      // the longest lengths
      {longest + "1234567890123456ab", {"1234567890123456..."}, 10, 2, ""},
      {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"
       "1234567890123456",
       {"1234567890123456..."},
       10,
       0,
       ""},
      {"\xff\xff\xff\xff\x0f"
       "1234567890123456",
       {"1234567890123456..."},
       5,
       0,
       ""},
  }));
  const Framed got = split_test(VarintFramer(16), row.bytes, '#');
  check_row(got, row);
  CHECK(got.why == "");
}

TEST_CASE("varint: more than 64 bits or ten bytes are malformed", "[framing]") {
  const auto bytes = GENERATE(values<std::string>({
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",      // bit 64
      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",      // an eleventh byte would follow
      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x81\x00",  // eleven
      "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f",
  }));
  const Framed got = split_test(VarintFramer(16), "\1x" + bytes, '#');
  CHECK(got.frames == Strings{"x"});
  CHECK(got.tail == bytes);
  CHECK(got.why == "length of more than 64 bits");
}

TEST_CASE("varint: of a tail the length is framing", "[framing]") {
  VarintFramer framer(400);
  CHECK(framer.tail_front("") == 0);
  CHECK(framer.next("\xac").status == FrameStatus::kNeedMore);
  CHECK(framer.tail_front("\xac") == 1);
  CHECK(framer.next("\xac\x02yy").status == FrameStatus::kNeedMore);
  CHECK(framer.tail_front("\xac\x02yy") == 2);
}
