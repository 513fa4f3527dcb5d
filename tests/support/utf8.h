#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// UTF-8 once more, by its definition instead of a table: what the tests compare with.
namespace penstock::test {

/// `text` is one character: decoded by its bits, then looked at as a number.
inline bool is_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() == 1) return byte(0) < 0x80;
  if (text.empty() || text.size() > 4) return false;
  constexpr std::array<unsigned, 5> kLead = {0, 0, 0xc0, 0xe0, 0xf0},
                                    kMask = {0, 0, 0xe0, 0xf0, 0xf8},
                                    kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const std::size_t n = text.size();
  if ((byte(0) & kMask[n]) != kLead[n]) return false;
  unsigned code = byte(0) & ~kMask[n];
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return false;
    code = code << 6 | (byte(i) & 0x3f);
  }
  return code >= kLeast[n] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

/// Some character of four bytes begins with these three. The bytes tried are the ends of all ranges.
inline bool begins_four(std::string_view three) {
  std::array<char, 4> text = {three[0], three[1], three[2], 0};
  for (const char last : {'\x80', '\x8f', '\x90', '\x9f', '\xa0', '\xbf'}) {
    text[3] = last;
    if (is_character({text.data(), text.size()})) return true;
  }
  return false;
}

/// For each pair of bytes: some character begins with it, or is it.
inline std::vector<bool> make_pairs() {
  std::vector<bool> pairs(65536);
  for (std::size_t pair = 0; pair < pairs.size(); ++pair) {
    std::array<char, 3> text = {static_cast<char>(pair >> 8), static_cast<char>(pair), 0};
    pairs[pair] = is_character({text.data(), 2});
    for (const char third : {'\x80', '\x8f', '\x90', '\x9f', '\xa0', '\xbf'}) {
      text[2] = third;
      const std::string_view three(text.data(), text.size());
      pairs[pair] = pairs[pair] || is_character(three) || begins_four(three);
    }
  }
  return pairs;
}

/// Some character begins with all of `text`, or is it: 2 or 3 bytes.
inline bool begins_character(std::string_view text) {
  static const std::vector<bool> pairs = make_pairs();
  if (text.size() == 3) return is_character(text) || begins_four(text);
  return pairs[std::size_t{static_cast<unsigned char>(text[0])} << 8 |
               static_cast<unsigned char>(text[1])];
}

/// `text` in pieces: characters, and parts that are none, each of which one U+FFFD replaces. They point into `text`.
struct Utf8Piece {
  std::string_view bytes;
  bool valid = false;
};
inline std::vector<Utf8Piece> utf8_pieces(std::string_view text) {
  std::vector<Utf8Piece> pieces;
  while (!text.empty()) {
    std::size_t length = 1;
    while (length < 4 && length < text.size() && !is_character(text.substr(0, length))) {
      const std::string_view longer = text.substr(0, length + 1);
      if (longer.size() == 4 ? !is_character(longer) : !begins_character(longer)) break;
      ++length;
    }
    pieces.push_back({text.substr(0, length), is_character(text.substr(0, length))});
    text.remove_prefix(length);
  }
  return pieces;
}

/// One of each way to be no UTF-8.
inline const std::vector<std::string> kInvalidUtf8 = {
    "\x80",                      // a continuation alone
    "\xbf\xbf",                  //
    "\xc0\x80",                  // overlong NUL
    "\xc1\xbf",                  // overlong in two bytes
    "\xc2",                      // cut after one of two
    "\xc2z",                     //
    "\xe0\x9f\xbf",              // overlong in three bytes
    "\xe0\xa0",                  // cut after two of three
    "\xe2",                      // cut after one of three
    "\xe2\x82z",                 //
    "\xed\xa0\x80",              // the first surrogate
    "\xed\xbf\xbf",              // the last one
    "\xed\xa0\xbd\xed\xb8\x80",  // a pair of them (CESU-8)
    "\xf0\x8f\xbf\xbf",          // overlong in four bytes
    "\xf0\x9f\x98",              // cut after three of four
    "\xf0\x9f",                  // after two
    "\xf0",                      // after one
    "\xf4\x90\x80\x80",          // above U+10FFFF
    "\xf5\x80\x80\x80",          // no lead at all
    "\xf8\x88\x80\x80\x80",      // five bytes
    "\xfe\xff",                  // a byte order mark of UTF-16
    "\xff",
};

}  // namespace penstock::test
