#include "protocols/framing/length_prefixed.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;

namespace {

constexpr auto kLittle = std::endian::little;

struct Row {
  LengthField field;
  FramingRow of;
};

}  // namespace

TEST_CASE("length prefix: frames of a table of inputs, cut anywhere", "[framing]") {
  const auto row = GENERATE(values<Row>({
      {{}, {"", {}, 0, 0, ""}},
      {{}, {"\0\0\0\3abc\0\0\0\0\0\0\0\1d"s, {"abc", "", "d"}, 12, 0, ""}},
      {{}, {"\0\0\0\3ab"s, {}, 0, 0, "\0\0\0\3ab"s}},
      {{}, {"\0\0\0"s, {}, 0, 0, "\0\0\0"s}},
      {{.bytes = 1}, {"\3abc\1d", {"abc", "d"}, 2, 0, ""}},
      {{.bytes = 1, .order = kLittle}, {"\3abc", {"abc"}, 1, 0, ""}},
      {{.bytes = 2}, {"\0\3abc"s, {"abc"}, 2, 0, ""}},
      {{.bytes = 2, .order = kLittle}, {"\3\0abc"s, {"abc"}, 2, 0, ""}},
      {{.order = kLittle}, {"\3\0\0\0abc"s, {"abc"}, 4, 0, ""}},
      {{.bytes = 8}, {"\0\0\0\0\0\0\0\3abc"s, {"abc"}, 8, 0, ""}},
      {{.bytes = 8, .order = kLittle}, {"\3\0\0\0\0\0\0\0abc"s, {"abc"}, 8, 0, ""}},
      // a type and a version in front of the length
      {{.bytes = 2, .offset = 3}, {"T\1\1\0\2abT\1\1\0\0T\1\1\0\1c"s, {"ab", "", "c"}, 15, 0, ""}},
      {{.bytes = 2, .offset = 3}, {"T\1\1\0"s, {}, 0, 0, "T\1\1\0"s}},
      // the header counted too
      {{.bytes = 2, .includes_header = true}, {"\0\5abc\0\2\0\3d"s, {"abc", "", "d"}, 6, 0, ""}},
      {{.bytes = 2, .offset = 2, .includes_header = true}, {"hd\0\6ab"s, {"ab"}, 4, 0, ""}},
      // exactly the maximum, one more, and then what follows
      {{.bytes = 1},
       {"\10"
        "12345678"
        "\1x",
        {"12345678", "x"},
        2,
        0,
        ""}},
      {{.bytes = 1},
       {"\11"
        "123456789"
        "\1x",
        {"12345678...", "x"},
        2,
        1,
        ""}},
      {{.bytes = 1},
       {"\24"
        "12345678901234567890"
        "\0"s,
        {"12345678...", ""},
        2,
        12,
        ""}},
      {{.bytes = 1},
       {"\24"
        "1234567",
        {},
        0,
        0,
        "\24"
        "1234567"}},
      // lengths at the end of what they can say
      {{.bytes = 1},
       {"\xff"
        "12345678abcd",
        {"12345678..."},
        1,
        4,
        ""}},
      {{},
       {"\xff\xff\xff\xff"
        "12345678abcd",
        {"12345678..."},
        4,
        4,
        ""}},
      {{.bytes = 8},
       {"\xff\xff\xff\xff\xff\xff\xff\xff"
        "12345678ab",
        {"12345678..."},
        8,
        2,
        ""}},
      {{.bytes = 8, .offset = 1, .includes_header = true},
       {"h\x7f\xff\xff\xff\xff\xff\xff\xff"
        "12345678ab",
        {"12345678..."},
        9,
        2,
        ""}},
      {{.bytes = 8, .includes_header = true},
       {"\xff\xff\xff\xff\xff\xff\xff\xff"
        "12345678ab",
        {"12345678..."},
        8,
        2,
        ""}},
  }));
  const Framed got = split_test(LengthPrefixedFramer(8, row.field), row.of.bytes, '#');
  check_row(got, row.of);
  CHECK(got.why == "");
}

TEST_CASE("length prefix: a length that counts its header and is smaller than it is malformed",
          "[framing]") {
  const auto row = GENERATE(values<Row>({
      {{.bytes = 1, .includes_header = true}, {"\2a\0"s, {"a"}, 1, 0, "\0"s}},
      {{.includes_header = true}, {"\0\0\0\5a\0\0\0\3"s, {"a"}, 4, 0, "\0\0\0\3"s}},
      {{.bytes = 1, .offset = 64, .includes_header = true},
       {std::string(64, 'h') + "\100", {}, 0, 0, std::string(64, 'h') + "\100"}},
      {{.bytes = 8, .includes_header = true}, {"\0\0\0\0\0\0\0\7"s, {}, 0, 0, "\0\0\0\0\0\0\0\7"s}},
  }));
  const Framed got = split_test(LengthPrefixedFramer(8, row.field), row.of.bytes, '#');
  check_row(got, row.of);
  CHECK(got.why == "length smaller than its own header");
}

TEST_CASE("length prefix: the rest of the longest frame is passed over to its last byte",
          "[framing]") {
  LengthPrefixedFramer framer(4, {.bytes = 4});
  const std::string megabyte(std::size_t{1} << 20, 'x');
  CHECK(framer.next("\0\x10\0\1abcd"s).status == FrameStatus::kTruncated);  // 1 MiB and a byte
  CHECK(framer.next(std::string_view(megabyte).substr(4)).consumed == megabyte.size() - 4);
  CHECK(framer.skipping());
  CHECK(framer.next("y\0\0\0\1z"s).consumed == 1);
  CHECK(!framer.skipping());
  CHECK(framer.next("\0\0\0\1z"s).frame == "z");
}

TEST_CASE("length prefix: of a tail the header is framing", "[framing]") {
  LengthPrefixedFramer framer(8, {.bytes = 2, .offset = 1});
  const auto [tail, front] = GENERATE(table<std::string, std::size_t>({
      {"", 0},
      {"h\0"s, 2},
      {"h\0\4"s, 3},
      {"h\0\4ab"s, 3},
  }));
  CHECK(framer.next(tail).status == FrameStatus::kNeedMore);
  CHECK(framer.tail_front(tail) == front);
  CHECK(framer.tail_back(tail) == 0);
}
