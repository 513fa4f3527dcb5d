#include "protocols/core/utf8.h"

#include <simdjson.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace penstock {
namespace {

/// The front of a text as a character: how many bytes its first one asks for, and how many of these are there and right.
struct Character {
  std::size_t wanted = 0;  ///< 0: no character begins with this byte
  std::size_t right = 0;   ///< of `wanted`, the first byte included

  bool whole() const noexcept { return wanted != 0 && right == wanted; }
};

/// What may follow a first byte: Unicode 15, table 3-7.
struct Row {
  std::size_t wanted = 0;
  unsigned second_min = 0x80, second_max = 0xbf;  // of the second byte; later ones are 80 to BF
};

Row row_of(unsigned first) noexcept {
  if (first < 0x80) return {1};
  if (first < 0xc2) return {};  // a continuation, or an overlong form
  if (first < 0xe0) return {2};
  if (first == 0xe0) return {3, 0xa0};        // else overlong
  if (first == 0xed) return {3, 0x80, 0x9f};  // else a surrogate
  if (first < 0xf0) return {3};
  if (first == 0xf0) return {4, 0x90};        // else overlong
  if (first == 0xf4) return {4, 0x80, 0x8f};  // else above U+10FFFF
  if (first < 0xf4) return {4};
  return {};
}

/// `text` is not empty.
Character first_character(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const Row row = row_of(at(0));
  Character character{row.wanted, 1};
  for (; character.right < row.wanted && character.right < text.size(); ++character.right) {
    const unsigned byte = at(character.right);
    const bool second = character.right == 1;
    if (byte < (second ? row.second_min : 0x80) || byte > (second ? row.second_max : 0xbf)) break;
  }
  return character;
}

/// How many bytes below 80 `text` begins with; eight at a time.
std::size_t ascii_prefix(std::string_view text) noexcept {
  std::size_t length = 0;
  for (; text.size() - length >= sizeof(std::uint64_t); length += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + length, sizeof word);
    word &= 0x8080'8080'8080'8080u;
    if (word == 0) continue;
    const int bits = std::endian::native == std::endian::little ? std::countr_zero(word)
                                                                : std::countl_zero(word);
    return length + static_cast<std::size_t>(bits / 8);
  }
  while (length < text.size() && (text[length] & 0x80) == 0) ++length;
  return length;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  return simdjson::validate_utf8(text.data(), text.size());
}

std::size_t valid_utf8_prefix(std::string_view text) noexcept {
  std::size_t length = 0;
  while (length < text.size()) {
    length += ascii_prefix(text.substr(length));
    if (length == text.size()) break;
    const Character next = first_character(text.substr(length));
    if (!next.whole()) break;
    length += next.wanted;
  }
  return length;
}

std::string with_replacements(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t good = valid_utf8_prefix(text);
    valid += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    valid += kReplacementCharacter;
    text.remove_prefix(invalid_utf8_length(text));
  }
  return valid;
}

std::size_t invalid_utf8_length(std::string_view text) noexcept {
  return first_character(text).right;
}

char* put_utf8(std::uint32_t character, char* to) noexcept {
  const auto put = [&to](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  const auto put_more = [&put](std::uint32_t bits) { put(0x80 | (bits & 0x3f)); };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xc0 | character >> 6);
    put_more(character);
  } else if (character < 0x10000) {
    put(0xe0 | character >> 12);
    put_more(character >> 6);
    put_more(character);
  } else {
    put(0xf0 | character >> 18);
    put_more(character >> 12);
    put_more(character >> 6);
    put_more(character);
  }
  return to;
}

}  // namespace penstock
