#include "protocols/json/framer.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("valid json: frames are JSON, the others are rejected, cut anywhere", "[framing][json]") {
  const auto row = GENERATE(values<FramingRow>({
      {R"({"a":1}[2]"c" 4 )", {R"({"a":1})", "[2]", R"("c")", "4"}, 2, 0, ""},
      // closed: right behind it
      {"[1,]{}", {"![1,]", "{}"}, 0, 0, ""},
      {"[}\n{}", {"![}", "{}"}, 1, 0, ""},
      {R"({"a"1}{"b":2})", {R"(!{"a"1})", R"({"b":2})"}, 0, 0, ""},
      {"\"\\q\"1 ", {"!\"\\q\"", "1"}, 1, 0, ""},
      {"\"\t\"1 ", {"!\"\t\"", "1"}, 1, 0, ""},
      {"\"\xff\"{}", {"!\"\xff\"", "{}"}, 0, 0, ""},
      // words and numbers: with their line
      {"12x {}\n3 ", {"!12x {}", "3"}, 2, 0, ""},
      {"truefalse\nnull\n", {"!truefalse", "null"}, 2, 0, ""},
      {"1,2,3\n4\n", {"!1,2,3", "4"}, 2, 0, ""},
      {"01\n-\n-1\n", {"!01", "!-", "-1"}, 3, 0, ""},
      {"nul", {}, 0, 0, "nul"},
      {"nul 1", {}, 0, 0, "nul 1"},
      {"tru 4567890123456789\n1 ", {"!tru 456789012345", "1"}, 2, 4, ""},
      {"123456789012345678901 2 ", {"1234567890123456...", "2"}, 2, 5, ""},
  }));
  // No poison: the parser reads a value that the framer has looked at.
  check_row(split_test(ValidJsonFramer(16), row.bytes, '\0'), row);
}

TEST_CASE("valid json: the last value of a stream is judged too", "[json]") {
  CHECK_FALSE(ValidJsonFramer::tail_problem("12"));
  CHECK(ValidJsonFramer::tail_problem("nul"));
}
