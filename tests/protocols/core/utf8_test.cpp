#include "protocols/core/utf8.h"

#include <catch2/catch.hpp>

#include "tests/support/utf8.h"

using namespace penstock;
using test::utf8_pieces;

namespace {

// Walks `text` by the functions under test and compares with the definition.
void check_walk(const std::string& text) {
  std::string_view rest = text;
  bool whole = true;
  std::size_t at = 0;
  const auto pieces = utf8_pieces(text);
  for (;;) {
    std::size_t valid = 0;
    for (; at < pieces.size() && pieces[at].valid; ++at) valid += pieces[at].bytes.size();
    REQUIRE(valid_utf8_prefix(rest) == valid);
    rest.remove_prefix(valid);
    if (rest.empty()) break;
    whole = false;
    REQUIRE(invalid_utf8_length(rest) == pieces[at].bytes.size());
    rest.remove_prefix(pieces[at++].bytes.size());
  }
  REQUIRE(is_utf8(text) == whole);
}

}  // namespace

TEST_CASE("UTF-8: what is valid, and how much of it", "[utf8]") {
  const auto [text, prefix] = GENERATE(table<std::string, std::size_t>({
      {"", 0},
      {"plain", 5},
      {std::string("a\0b", 3), 3},
      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
      {"\xef\xbf\xbf\xf4\x8f\xbf\xbf", 7},  // noncharacters are characters
      {"\xef\xbb\xbf", 3},                  // so is a byte order mark
      {"ab\xff", 2},
      {"0123456789abcdef\xc3", 16},
      {"0123456\xe2\x82\xac\xf0\x9f\x98", 10},
  }));
  CAPTURE(text);
  CHECK(valid_utf8_prefix(text) == prefix);
  CHECK(is_utf8(text) == (prefix == text.size()));
}

TEST_CASE("UTF-8: one replacement for the longest front of a character (Unicode, table 3-8 ff.)",
          "[utf8]") {
  const auto [text, length] = GENERATE(table<std::string, std::size_t>({
      {"\xc0\xaf\xe0\x80\xbf", 1},
      {"\xe0\x80\xbf", 1},
      {"\xed\xa0\x80", 1},
      {"\xf4\x91\x92\x93", 1},
      {"\xe1\x80\xe2", 2},
      {"\xf0\x91\x92z", 3},
      {"\xf1\xbf", 2},
      {"\xc2", 1},
  }));
  CAPTURE(text);
  CHECK(invalid_utf8_length(text) == length);
}

TEST_CASE("UTF-8: every pair of bytes, and every mixture of the ends of ranges", "[utf8]") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) check_walk({static_cast<char>(a), static_cast<char>(b)});
  }
  const std::string leads = "\x7f\xc1\xc2\xdf\xe0\xe1\xec\xed\xee\xef\xf0\xf1\xf3\xf4\xf5\xff";
  const std::string others = "\x41\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc2\xe1\xf1";
  for (const char a : leads) {
    for (const char b : others) {
      for (const char c : others) {
        for (const char d : others) check_walk({a, b, c, d});
      }
    }
  }
}

TEST_CASE("UTF-8: each way to be none is found at every distance from the ends", "[utf8]") {
  for (const std::string& invalid : test::kInvalidUtf8) {
    CAPTURE(invalid);
    for (std::size_t front = 0; front <= 40; ++front) {
      const std::string text = std::string(front, 'a') + invalid;
      check_walk(text);
      check_walk(text + "\xc3\xa9" + std::string(front, 'b') + invalid);
      CHECK(valid_utf8_prefix(text) == front);
    }
  }
}
