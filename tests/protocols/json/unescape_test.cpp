#include "protocols/json/unescape.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

using namespace penstock;
using namespace std::string_literals;

TEST_CASE("json unescape: every escape of RFC 8259", "[json]") {
  const auto [escaped, text] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"plain \xc3\xa9", "plain \xc3\xa9"},
      {R"(\"\\\/\b\f\n\r\t)", "\"\\/\b\f\n\r\t"},
      {R"(a\nb)", "a\nb"},
      {R"(\u0000x)", "\0x"s},
      {R"(\u007f\u0080\u07ff\u0800\uffff)", "\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
      {R"(\ud83d\ude00!)", "\xf0\x9f\x98\x80!"},
      {R"(\uDBFF\uDFFF)", "\xf4\x8f\xbf\xbf"},
      {R"(\ud83d)", "\xef\xbf\xbd"},  // half a pair: U+FFFD
      {R"(x\ud83dy)", "x\xef\xbf\xbdy"},
      {R"(\ud83d\n)", "\xef\xbf\xbd\n"},
      {R"(\ud83d\ud83d\ude00)", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
      {R"(\ude00\udcff)", "\xef\xbf\xbd\xef\xbf\xbd"},
  }));
  CAPTURE(escaped);
  const auto room = std::make_unique<char[]>(escaped.size());  // as much as it may need
  std::size_t written = 0, at = 0;
  REQUIRE(unescape_json(escaped, room.get(), written, at));
  CHECK(std::string(room.get(), written) == text);
}

TEST_CASE("json unescape: what is no escape, and where it stands", "[json]") {
  const auto [escaped, where] = GENERATE(table<std::string, std::size_t>({
      {R"(\)", 0},
      {R"(ab\x41)", 2},
      {R"(a\n\u12)", 3},
      {R"(\u12g4)", 0},
      {R"(\U0041)", 0},
  }));
  CAPTURE(escaped);
  const auto room = std::make_unique<char[]>(escaped.size());
  std::size_t written = 0, at = 99;
  CHECK_FALSE(unescape_json(escaped, room.get(), written, at));
  CHECK(at == where);
}
