#include "protocols/json/unescape.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "protocols/core/utf8.h"

namespace penstock {
namespace {

constexpr std::size_t kUnicodeEscapeBytes = 6;  // \u00e9
constexpr std::uint32_t kNoCharacter = UINT32_MAX;
constexpr std::uint32_t kReplacement = 0xfffd;
constexpr std::string_view kReplacementEscape = "\\ufffd";

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Of `\uXXXX` at the front of `text`.
std::uint32_t code_unit(std::string_view text) noexcept {
  if (text.size() < kUnicodeEscapeBytes || text[0] != '\\' || text[1] != 'u') return kNoCharacter;
  std::uint32_t unit = 0;
  for (std::size_t i = 2; i < kUnicodeEscapeBytes; ++i) {
    const int digit = hex_digit(text[i]);
    if (digit < 0) return kNoCharacter;
    unit = unit << 4 | static_cast<std::uint32_t>(digit);
  }
  return unit;
}

bool is_high(std::uint32_t unit) noexcept { return unit >> 10 == 0xd800 >> 10; }
bool is_low(std::uint32_t unit) noexcept { return unit >> 10 == 0xdc00 >> 10; }

/// One character of one or two escapes, taken from the front of `text`.
std::uint32_t take_unicode(std::string_view& text) noexcept {
  const std::uint32_t first = code_unit(text);
  if (first == kNoCharacter) return kNoCharacter;
  text.remove_prefix(kUnicodeEscapeBytes);
  if (is_low(first)) return kReplacement;
  if (!is_high(first)) return first;
  const std::uint32_t second = code_unit(text);
  if (second == kNoCharacter || !is_low(second)) return kReplacement;
  text.remove_prefix(kUnicodeEscapeBytes);
  return 0x10000 + ((first & 0x3ff) << 10) + (second & 0x3ff);
}

/// What `\c` stands for; NUL where it stands for nothing.
char short_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
    case '/': return c;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return '\0';
  }
}

}  // namespace

bool unescape_json(std::string_view escaped, char* to, std::size_t& written,
                   std::size_t& at) noexcept {
  const char* const begin = to;
  std::string_view rest = escaped;
  for (;;) {
    const std::size_t plain = std::min(rest.find('\\'), rest.size());
    if (plain != 0) std::memcpy(to, rest.data(), plain);
    to += plain;
    rest.remove_prefix(plain);
    if (rest.empty()) break;
    at = escaped.size() - rest.size();
    if (rest.size() < 2) return false;
    if (rest[1] == 'u') {
      const std::uint32_t character = take_unicode(rest);
      if (character == kNoCharacter) return false;
      to = put_utf8(character, to);
      continue;
    }
    const char byte = short_escape(rest[1]);
    if (byte == '\0') return false;
    *to++ = byte;
    rest.remove_prefix(2);
  }
  written = static_cast<std::size_t>(to - begin);
  return true;
}

std::string mend_surrogates(std::string_view json) {
  std::string mended(json);
  for (std::size_t at = json.find('\\'); at < json.size(); at = json.find('\\', at)) {
    std::string_view rest = json.substr(at);
    const std::uint32_t character = take_unicode(rest);
    if (character == kReplacement)
      mended.replace(at, kReplacementEscape.size(), kReplacementEscape);
    at = character == kNoCharacter ? at + 2 : json.size() - rest.size();
  }
  return mended;
}

}  // namespace penstock
