#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

TEST_CASE("what is not TOML is told with the place at which it stops being TOML", "[config]") {
  const std::string quotes = " (values with a unit and words need quotes, as in \"30s\")";
  const auto [text, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"a = 30s", "1:7: not valid TOML: in decimal integer: expected digit, saw 's'" + quotes},
      {"a = 012",
       "1:8: not valid TOML: in decimal integer: leading zeroes are prohibited" + quotes},
      {"a =", "1:4: not valid TOML: in key-value pair: encountered end-of-file"},
      {"a = \"x", "1:7: not valid TOML: in string: encountered end-of-file"},
      {"[server]\nthreads = 1\nthreads = 2",
       "3:11: not valid TOML: in key-value pair: given twice: integer 'threads'"},
      {"[server]\n[server]", "2:1: not valid TOML: in table header: given twice: table 'server'"},
      {"[server\n", "1:8: not valid TOML: in table header: expected ']', saw '\\\\n'"},
      {"a = [1,\n2", "2:2: not valid TOML: in array: encountered end-of-file"},
      {"a = 1 b = 2",
       "1:7: not valid TOML: in key-value pair: expected a comment or whitespace, saw 'b'"},
      {"\xff = 1", "1:1: not valid TOML: Encountered invalid utf-8 sequence"},
      {"a = \"\\q\"", "1:7: not valid TOML: in string: unknown escape sequence '\\\\q'"},
      {"a = 99999999999999999999",
       "1:25: not valid TOML: in decimal integer: '99999999999999999999' is not representable in "
       "64 bits" +
           quotes},
      {"[[listener]]\n[listener]\n",
       "2:1: not valid TOML: in table header: given twice: array 'listener' as table"},
  }));
  CAPTURE(text);
  CHECK(problems_of(text) == Lines{"t.toml:" + problem});
}

TEST_CASE("what a message quotes of the file holds no control byte", "[config]") {
  const std::string key = "\"\\u001b[2J\"";
  const auto lines = problems_of(key + " = 1\n" + key + " = 1\n");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with(
      "t.toml:2:15: not valid TOML: in key-value pair: given twice: integer "));
  CHECK(lines[0].find('\x1b') == std::string::npos);
  CHECK(problems_of(test::kGood + "[" + key + "]\n") ==
        Lines{"t.toml:7:2: unknown table \"\\u001b[2J\", a config file has the tables [server], "
              "[[listener]], [[sink]], "
              "[quarantine] and [admin]"});
}

TEST_CASE("a line that is no line of a config file is refused before it is parsed", "[config]") {
  CHECK(problems_of("# x\n" + std::string(16385, '#') + "\n") ==
        Lines{"t.toml:2:1: line of 16385 bytes, expected at most 16384"});
  CHECK(problems_of(test::kGood + std::string(16384, '#')).empty());
}

TEST_CASE("deep nesting is an unknown table, not a crash", "[config]") {
  std::string deep = "a";
  while (deep.size() < 16000) deep += ".a";
  const std::string unknown =
      ": unknown table \"a\", a config file has the tables [server], [[listener]], [[sink]], "
      "[quarantine] and [admin]";
  CHECK(problems_of(deep + " = 1\n" + test::kGood) == Lines{"t.toml:1:1" + unknown});
  CHECK(problems_of(test::kGood + '[' + deep + "]\n") == Lines{"t.toml:7:2" + unknown});
  CHECK(problems_of("a = " + std::string(200, '[') + std::string(200, ']') + '\n' + test::kGood) ==
        Lines{"t.toml:1:1" + unknown});
  CHECK(problems_of("a = " + std::string(8000, '[') + '\n').size() == 1);
}

TEST_CASE("a byte order mark, CR LF and comments are fine", "[config]") {
  std::string text = "\xEF\xBB\xBF# first\n" + test::kGood;
  CHECK(problems_of(text).empty());
  std::string crlf;
  for (const char c : test::kGood) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  CHECK(problems_of(crlf).empty());
}
