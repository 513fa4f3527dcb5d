#include "protocols/json/problem.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "protocols/framing/json.h"

using namespace penstock;
using namespace std::string_literals;

namespace {

// As the last bytes of its memory, so that a sanitizer sees a look behind it; and with padding.
std::string problem_of(const std::string& value) {
  const auto exact = std::make_unique<char[]>(value.size());
  std::copy(value.begin(), value.end(), exact.get());
  const Problem problem = json_problem({exact.get(), value.size()});
  const std::string padded = value + std::string(kJsonPadding, ']');
  const Problem same = json_problem(std::string_view(padded).substr(0, value.size()), kJsonPadding);
  CHECK(to_string(problem) == to_string(same));
  return to_string(problem);
}

}  // namespace

TEST_CASE("json problem: what is JSON", "[json]") {
  const auto value = GENERATE(values<std::string>({
      "{}",
      "[]",
      "null",
      "true",
      "-0",
      "1.5e+3",
      R"("a\u00e9\ud83d\ude00\/\"")",
      R"("\ude00")",
      R"([18446744073709551616,"\ude00"])",
      R"(["\ud83d","\ude00x","\\\ud83d\ud83d\ude00",18446744073709551616])",
      R"({"a":[1,{"b":null}],"a":2})",
      "{\n \"a\" : [ 1 , 2 ]\r\n}",
      "\"\xc3\xa9\x7f\"",
      // more than 64 bits, and within the range of a double
      "18446744073709551616",
      "[-" + std::string(300, '9') + ",1]",
      std::string(300, '9') + "." + std::string(300, '9'),
      "-1E-999",
  }));
  CAPTURE(value);
  CHECK(problem_of(value) == "");
}

TEST_CASE("json problem: what is none, and why", "[json]") {
  const auto [value, why] = GENERATE(table<std::string, std::string>({
      {"[1,]", "at byte 3: invalid JSON: no value where one is due"},
      {"{\"a\"1}", "at byte 4: invalid JSON: no `:` behind a name"},
      {"[}", "at byte 1: invalid JSON: no value where one is due"},
      {"{1:2}", "at byte 1: invalid JSON: no name where one is due"},
      {"[1 2]", "at byte 3: invalid JSON: neither `,` nor `]` behind an element"},
      {"[NaN]", "at byte 1: invalid JSON: no value where one is due"},
      {"[tru]", "at byte 4: invalid JSON: a word other than true, false, null"},
      {"nul", "at byte 3: invalid JSON: a word other than true, false, null"},
      {"01", "at byte 1: invalid JSON: a number is malformed"},
      {"-", "at byte 1: invalid JSON: a number is malformed"},
      {"[1.]", "at byte 3: invalid JSON: a number is malformed"},
      {"1e999", "at byte 0: invalid JSON: a number is malformed"},  // more than a double holds
      {"[18446744073709551616,]",
       "at byte 22: invalid JSON: a number is malformed"},  // the rest counts too
      {"[18446744073709551616,\"\\q\"]", "at byte 23: invalid JSON: a number is malformed"},
      {"[18446744073709551616,\"\xff\"]", "at byte 23: invalid JSON: not UTF-8"},
      {"\"\\q\"", "at byte 1: invalid JSON: an escape in a string is malformed"},
      {"[\"\\ud800\",\"\xff\"]", "at byte 11: invalid JSON: not UTF-8"},
      {"[\"\\\\\\ud800\",\"\\q\"]", "at byte 13: invalid JSON: an escape in a string is malformed"},
      {"\"\xff\"", "at byte 1: invalid JSON: not UTF-8"},
      {"\"\xc0\xaf\"", "at byte 1: invalid JSON: not UTF-8"},
      {"\"\xed\xa0\x80\"", "at byte 1: invalid JSON: not UTF-8"},
      {"\"a\tb\"", "at byte 2: invalid JSON: a control character in a string"},
      {"\"a\0b\""s, "at byte 2: invalid JSON: a control character in a string"},
  }));
  CAPTURE(value);
  CHECK(problem_of(value) == why);
}

TEST_CASE("json problem: nesting as deep as the framer allows", "[json]") {
  constexpr std::size_t kDepth = JsonFramer::kMaxDepth;
  CHECK(problem_of(std::string(kDepth, '[') + std::string(kDepth, ']')) == "");
  CHECK(problem_of(std::string(kDepth + 8, '[') + std::string(kDepth + 8, ']')) ==
        "invalid JSON: nested too deeply");
}

TEST_CASE("json problem: short values after one that was too long to keep the parser for",
          "[json]") {
  const std::string long_value = '"' + std::string(std::size_t{3} << 20, 'x') + '"';
  for (int i = 0; i < 2; ++i) {
    CHECK(problem_of(long_value) == "");
    CHECK(problem_of("[1]") == "");
    CHECK(problem_of("[1") != "");
  }
}
