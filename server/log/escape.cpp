#include "server/log/escape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "server/log/log.h"

namespace penstock::log {
namespace {

/// What stands at the front of a text: one UTF-8 character, or one byte that is none.
struct Character {
  std::string_view bytes;
  char32_t code = 0;
  bool valid = false;
};

/// Length by the lead byte (RFC 3629 section 4); 0 for bytes that start no character.
std::size_t length_by_lead(unsigned char lead) noexcept {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return 2;
  if (lead >= 0xE0 && lead <= 0xEF) return 3;
  if (lead >= 0xF0 && lead <= 0xF4) return 4;
  return 0;
}

bool in_range(char32_t code, std::size_t length) noexcept {
  if (length == 3) return code >= 0x800 && (code < 0xD800 || code > 0xDFFF);
  if (length == 4) return code >= 0x10000 && code <= 0x10FFFF;
  return true;  // one byte; two bytes by the range of the lead
}

/// `text` is not empty.
Character first_character(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text[0]);
  const Character broken{text.substr(0, 1), lead, false};
  const std::size_t length = length_by_lead(lead);
  if (length == 0 || length > text.size()) return broken;
  char32_t code = length == 1 ? lead : lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return broken;
    code = code << 6 | (byte & 0x3F);
  }
  if (!in_range(code, length)) return broken;
  return {text.substr(0, length), code, true};
}

bool dangerous(const Character& c) noexcept {
  return !c.valid || c.code < 0x20 || (c.code >= 0x7F && c.code <= 0x9F) ||
         (c.code >= 0x2028 &&
          c.code <= 0x202E) ||  // line and paragraph separator, bidirectional overrides
         (c.code >= 0x2066 && c.code <= 0x2069);
}

constexpr char kHex[] = "0123456789abcdef";

void append_hex_bytes(std::string& line, std::string_view bytes) {
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    line += "\\x";
    line += kHex[value >> 4];
    line += kHex[value & 0xF];
  }
}

void append_escape(std::string& line, const Character& c) {
  switch (c.valid ? c.code : U'\0') {
    case U'\n': line += "\\n"; return;
    case U'\r': line += "\\r"; return;
    case U'\t': line += "\\t"; return;
    default: append_hex_bytes(line, c.bytes);
  }
}

/// With quotes and backslashes escaped as well.
void append_strict(std::string& line, const Character& c) {
  if (dangerous(c)) return append_escape(line, c);
  if (c.code == U'"' || c.code == U'\\') line += '\\';
  line += c.bytes;
}

void append_json_character(std::string& line, const Character& c) {
  if (!c.valid) {
    line += '\\';  // the backslash itself is escaped: the reader sees the text \xHH
    return append_hex_bytes(line, c.bytes);
  }
  if (c.code == U'"' || c.code == U'\\') line += '\\';
  if (!dangerous(c)) {
    line += c.bytes;
    return;
  }
  if (c.code == U'\n' || c.code == U'\r' || c.code == U'\t') return append_escape(line, c);
  line += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4)
    line += kHex[c.code >> shift & 0xF];  // all dangerous codes are below U+10000
}

template <class Visit>
void each_character(std::string_view text, Visit&& visit) {
  while (!text.empty()) {
    const Character c = first_character(text);
    visit(c);
    text.remove_prefix(c.bytes.size());
  }
}

bool needs_quotes(std::string_view text) noexcept {
  bool needed = text.empty();
  each_character(text, [&](const Character& c) {
    needed = needed || dangerous(c) || c.code == U' ' || c.code == U'"' || c.code == U'=';
  });
  return needed;
}

std::size_t digits(std::string_view text) noexcept {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

}  // namespace

void append_plain(std::string& line, std::string_view text) {
  each_character(text, [&](const Character& c) {
    if (dangerous(c)) return append_escape(line, c);
    line += c.bytes;
  });
}

void append_value(std::string& line, std::string_view text) {
  if (!needs_quotes(text)) {
    line += text;
    return;
  }
  line += '"';
  each_character(text, [&](const Character& c) { append_strict(line, c); });
  line += '"';
}

void append_json_string(std::string& line, std::string_view text) {
  line += '"';
  each_character(text, [&](const Character& c) { append_json_character(line, c); });
  line += '"';
}

bool is_json_number(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t whole = digits(text);
  if (whole == 0 || (whole > 1 && text[0] == '0')) return false;
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t fraction = digits(text);
    if (fraction == 0) return false;
    text.remove_prefix(fraction);
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && digits(text) == text.size();
}

std::string escaped(std::string_view text, std::size_t max) {
  std::string out;
  while (!text.empty()) {
    const Character c = first_character(text);
    const std::size_t before = out.size();
    append_strict(out, c);
    if (out.size() > max) {
      out.resize(before);
      break;
    }
    text.remove_prefix(c.bytes.size());
  }
  return out;
}

}  // namespace penstock::log
