#include "protocols/framing/newline.h"

#include <random>

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Strings = std::vector<std::string>;

TEST_CASE("newline: frames, framing, cut and tail of a table of inputs, cut anywhere",
          "[framing]") {
  const auto row = GENERATE(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {"a\n", {"a"}, 1, 0, ""},
      {"a\nbc\r\nd", {"a", "bc"}, 3, 0, "d"},
      {"\n\r\n\n", {"", "", ""}, 4, 0, ""},
      {"\r\r\n", {"\r"}, 2, 0, ""},
      {"a\rb\n", {"a\rb"}, 1, 0, ""},
      {"a\r", {}, 0, 0, "a\r"},
      {"12345678\n", {"12345678"}, 1, 0, ""},    // exactly the maximum
      {"12345678\r\n", {"12345678"}, 2, 0, ""},  // CR does not count
      {"12345678\r", {}, 0, 0, "12345678\r"},    // may still become that
      {"12345678", {}, 0, 0, "12345678"},
      {"123456789\nx\n", {"12345678...", "x"}, 2, 1, ""},     // one over
      {"12345678\r\r\nx\n", {"12345678...", "x"}, 2, 2, ""},  // the first CR is data
      {"12345678\rx\ny\n", {"12345678...", "y"}, 2, 2, ""},
      {"123456789", {"12345678..."}, 0, 1, ""},  // found oversize while it grows
      {"1234567890123456789012345\r\nx\n", {"12345678...", "x"}, 2, 18, ""},
      {"1234567890\n\nx\n", {"12345678...", "", "x"}, 3, 2, ""},
      {"\0a\0\n\xff\xfe\n"s, {"\0a\0"s, "\xff\xfe"}, 2, 0, ""},
  }));
  const Framed got = split_test(NewlineFramer(8), row.bytes, '\n');
  check_row(got, row);
}

TEST_CASE("newline: a maximum of one byte works", "[framing]") {
  CHECK(split_test(NewlineFramer(1), "a\r\nbb\n\n\rc\n", '\n').frames ==
        Strings{"a", "b...", "", "\r..."});
}

TEST_CASE("nul: NUL ends a frame, CR and LF are data", "[framing]") {
  const Framed got = split_test(NewlineFramer(8, '\0'),
                                "a\r\0\nb\n\0\0"
                                "12345678\0"
                                "123456789\0x"s,
                                '\0');
  CHECK(got.frames == Strings{"a\r", "\nb\n", "", "12345678", "12345678..."});
  CHECK(got.framing == 5);
  CHECK(got.cut == 1);
  CHECK(got.tail == "x");
}

TEST_CASE("newline: a frame is known to be oversize by max_frame_bytes and two bytes more",
          "[framing]") {
  NewlineFramer framer(100);
  const std::string bytes(102, 'x');
  CHECK(framer.next({bytes.data(), 100}).status == FrameStatus::kNeedMore);
  CHECK(framer.next({bytes.data(), 101}).status == FrameStatus::kTruncated);
  CHECK(framer.next({bytes.data() + 100, 1}).consumed == 1);
  CHECK(framer.skipping());
}

TEST_CASE("newline: a longer input than the maximum is not searched to its end for each frame",
          "[framing]") {
  NewlineFramer framer(4);
  const std::string bytes(1000, 'x');
  const FrameResult first = framer.next(bytes);
  CHECK(first.status == FrameStatus::kTruncated);
  CHECK(first.consumed == 4);
  CHECK(framer.next({bytes.data() + 4, 996}).consumed == 996);
}

TEST_CASE("find_byte agrees with a plain search for every length, place and neighbour",
          "[framing]") {
  std::mt19937 random(7);
  for (int round = 0; round < 200000; ++round) {
    std::string text(random() % 40, '\0');
    // Bytes that trip a carry-prone word search: the one sought, its neighbours, and those with the high bit.
    for (char& c : text) c = "\n\x0b\x09\x8a\x0a\x8b\x80\xff"[random() % (round % 2 == 0 ? 8 : 2)];
    if (round % 3 == 0) std::replace(text.begin(), text.end(), '\n', '\x0b');
    const std::size_t place = text.find('\n');
    const char* found = find_byte(text.data(), text.size(), '\n');
    REQUIRE((found == nullptr ? std::string::npos
                              : static_cast<std::size_t>(found - text.data())) == place);
  }
}
