#include "protocols/framing/octet_counted.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Strings = std::vector<std::string>;

TEST_CASE("octet counting: frames of a table of inputs, cut anywhere", "[framing]") {
  const auto row = GENERATE(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {"5 hello", {"hello"}, 2, 0, ""},
      {"5 hello3 abc", {"hello", "abc"}, 4, 0, ""},
      {"5 hello\n3 abc\n", {"hello", "abc"}, 6, 0, ""},  // a LF between, and behind the last
      {"6 hello\n3 abc", {"hello", "abc"}, 5, 0, ""},    // a LF that is counted
      {"7 hello\r\n3 abc", {"hello", "abc"}, 6, 0, ""},
      {"6 hello\n\n3 abc", {"hello", "abc"}, 6, 0, ""},  // both
      {"5 a\nb\nc1 d", {"a\nb\nc", "d"}, 4, 0, ""},      // LF inside is data
      {"5 a\0b\xff\xfe"s, {"a\0b\xff\xfe"s}, 2, 0, ""},
      {"1 \n2 \r\n1 x", {"", "", "x"}, 9, 0, ""},
      {"5 1 2 31 x", {"1 2 3", "x"}, 4, 0, ""},  // digits and blanks inside are data
      {"12", {}, 0, 0, "12"},
      {"12 ", {}, 0, 0, "12 "},
      {"12 abc", {}, 0, 0, "12 abc"},
      {"16 1234567890123456", {"1234567890123456"}, 3, 0, ""},  // exactly the maximum
      {"17 12345678901234567"
       "1 x",
       {"1234567890123456...", "x"},
       5,
       1,
       ""},
      {"40 1234567890123456789012345678901234567890\n1 x", {"1234567890123456...", "x"}, 6, 24, ""},
      {"99999999 1234567890123456789", {"1234567890123456..."}, 9, 3, ""},
  }));
  const Framed got = split_test(OctetCountedFramer(16), row.bytes, '#');
  check_row(got, row);
  CHECK(got.why == "");
}

TEST_CASE("octet counting: what is no count is malformed, with a reason, wherever it is cut",
          "[framing]") {
  struct Row {
    std::string bytes, why;
    Strings frames;
  };
  const auto row = GENERATE(values<Row>({
      {"<34>1 hello\n", "no octet count where a frame must begin", {}},
      {" 5 hello", "no octet count where a frame must begin", {}},
      {"\n5 hello", "no octet count where a frame must begin", {}},  // nothing is before it to end
      {"5 hello\n\n5 hello", "no octet count where a frame must begin", {"hello"}},
      {"5 hello\r\n5 hello", "no octet count where a frame must begin", {"hello"}},
      {"5 hello\0"s, "no octet count where a frame must begin", {"hello"}},
      {"-5 hello", "no octet count where a frame must begin", {}},
      {"0 ", "octet count begins with 0", {}},
      {"05 hello", "octet count begins with 0", {}},
      {"5x hello", "octet count not ended by a blank", {}},
      {"5\thello", "octet count not ended by a blank", {}},
      {"5\nhello", "octet count not ended by a blank", {}},
      {"123456789 x", "octet count of more than 8 digits", {}},
      {"18446744073709551617 x", "octet count of more than 8 digits", {}},
      {"3 hello",
       "no octet count where a frame must begin",
       {"hel"}},  // a count that was too small
  }));
  const Framed got = split_test(OctetCountedFramer(64), row.bytes, '#');
  CHECK(got.why == row.why);
  CHECK(got.frames == row.frames);
}

TEST_CASE("octet counting: RFC 6587 section 3.4.1, frames follow each other without a delimiter",
          "[framing]") {
  const std::string message =
      "<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - BOM'su root' failed for "
      "lonvick on /dev/pts/8";
  const std::string frame = std::to_string(message.size()) + ' ' + message;
  CHECK(split_test(OctetCountedFramer(8192), frame + frame, '#').frames ==
        Strings{message, message});
}

TEST_CASE("octet counting: MSG is never searched, the header once", "[framing]") {
  OctetCountedFramer framer(1 << 20);
  const std::string bytes = "1000 " + std::string(999, '\n');
  for (std::size_t size = 1; size <= bytes.size(); ++size) {
    REQUIRE(framer.next({bytes.data(), size}).status == FrameStatus::kNeedMore);
    REQUIRE(framer.scanned() == std::min<std::size_t>(size, 5));
  }
}
