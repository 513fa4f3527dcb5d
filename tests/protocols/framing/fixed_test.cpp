#include "protocols/framing/fixed.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;

TEST_CASE("fixed: frames of a table of inputs, cut anywhere", "[framing]") {
  const auto row = GENERATE(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {"ab", {}, 0, 0, "ab"},
      {"abcd", {"abcd"}, 0, 0, ""},
      {"abcdefghij", {"abcd", "efgh"}, 0, 0, "ij"},
      {"\n\0\n\0"
       "abc\n"s,
       {"\n\0\n\0"s, "abc\n"},
       0,
       0,
       ""},
  }));
  check_row(split_test(FixedFramer(4), row.bytes, '#'), row);
}

TEST_CASE("fixed: frames of one byte", "[framing]") {
  CHECK(split_test(FixedFramer(1), "a\nb", '#').frames == std::vector<std::string>{"a", "\n", "b"});
}
