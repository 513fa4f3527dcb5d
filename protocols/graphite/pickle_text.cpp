#include "protocols/graphite/pickle_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "protocols/core/utf8.h"

namespace penstock::graphite {
namespace {

/// `digits` hexadecimal digits from the front of `text`, which are taken.
bool take_hex(std::string_view& text, std::size_t digits, std::uint32_t& value) noexcept {
  if (text.size() < digits) return false;
  const char* const end = text.data() + digits;
  if (std::from_chars(text.data(), end, value, 16).ptr != end) return false;
  text.remove_prefix(digits);
  return true;
}

bool take_repr_escape(std::string_view& rest, std::string& text) {
  if (rest.empty()) return false;
  const char escape = rest.front();
  rest.remove_prefix(1);
  std::uint32_t byte = 0;
  switch (escape) {
    case '\\':
    case '\'':
    case '"': text += escape; return true;
    case 'n': text += '\n'; return true;
    case 'r': text += '\r'; return true;
    case 't': text += '\t'; return true;
    case 'x':
      if (!take_hex(rest, 2, byte)) return false;
      text += static_cast<char>(byte);
      return true;
    default: return false;
  }
}

constexpr std::uint32_t kHighestCodePoint = 0x10ffff;

bool is_high_surrogate(std::uint32_t code) noexcept { return code >= 0xd800 && code < 0xdc00; }
bool is_low_surrogate(std::uint32_t code) noexcept { return code >= 0xdc00 && code < 0xe000; }

/// Python 2 on some machines writes what is above U+FFFF as two surrogates.
bool take_code_point(std::string_view& rest, std::size_t digits, std::uint32_t& code) noexcept {
  if (!take_hex(rest, digits, code)) return false;
  if (!is_high_surrogate(code)) return !is_low_surrogate(code) && code <= kHighestCodePoint;
  if (!rest.starts_with("\\u")) return false;
  rest.remove_prefix(2);
  std::uint32_t low = 0;
  if (!take_hex(rest, 4, low) || !is_low_surrogate(low)) return false;
  code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
  return true;
}

}  // namespace

bool decode_repr(std::string_view escaped, std::string& text) {
  text.clear();
  while (!escaped.empty()) {
    const std::size_t plain = std::min(escaped.find('\\'), escaped.size());
    text += escaped.substr(0, plain);
    escaped.remove_prefix(plain);
    if (escaped.empty()) break;
    escaped.remove_prefix(1);
    if (!take_repr_escape(escaped, text)) return false;
  }
  return true;
}

bool decode_raw_unicode(std::string_view escaped, std::string& text) {
  text.clear();
  while (!escaped.empty()) {
    std::uint32_t code = static_cast<unsigned char>(escaped.front());
    const bool four = escaped.starts_with("\\u");
    if (four || escaped.starts_with("\\U")) {
      escaped.remove_prefix(2);
      if (!take_code_point(escaped, four ? 4 : 8, code)) return false;
    } else {
      escaped.remove_prefix(1);
    }
    char bytes[4];
    text.append(bytes, put_utf8(code, bytes));
  }
  return true;
}

}  // namespace penstock::graphite
