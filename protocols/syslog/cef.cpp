#include "protocols/syslog/cef.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <optional>
#include <string>

namespace penstock::syslog {
namespace {

constexpr std::string_view kCef = "CEF:", kLeef = "LEEF:";
constexpr std::string_view kExtension = "extension";
/// More are passed over.
constexpr std::size_t kMostExtensions = 1024;
constexpr std::size_t kMostHexDigits = 4;

/// Up to the next `|` that no backslash stands in front of; nothing where there is none.
std::optional<std::string_view> take_part(std::string_view& rest) noexcept {
  for (std::size_t at = 0; at < rest.size(); ++at) {
    if (rest[at] == '\\') {
      ++at;
    } else if (rest[at] == '|') {
      const std::string_view part = rest.substr(0, at);
      rest.remove_prefix(at + 1);
      return part;
    }
  }
  return std::nullopt;
}

std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    switch (const char next = text[++at]) {
      case 'n': out += '\n'; break;
      case 'r': out += '\r'; break;
      case '|':
      case '=':
      case '\\': out += next; break;
      default: (out += '\\') += next;
    }
  }
  return out;
}

void write(FieldWriter& fields, FieldName name, std::string_view text) {
  if (text.find('\\') == std::string_view::npos)
    fields.string(name, text);
  else
    fields.string(name, without_escapes(text));
}

bool is_key_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-' || c == '[' || c == ']';
}

/// Where the key in front of the `=` at `equals` begins; `equals` where there is none.
std::size_t key_begin(std::string_view text, std::size_t equals) noexcept {
  std::size_t at = equals;
  while (at != 0 && is_key_byte(text[at - 1])) --at;
  return at == 0 || text[at - 1] == ' ' ? at : equals;
}

/// The next `=` from `at` on that ends a key; npos where there is none.
std::size_t find_key_end(std::string_view text, std::size_t at) noexcept {
  for (; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '=' && key_begin(text, at) != at)
      return at;
  }
  return std::string_view::npos;
}

void write_cef_extension(std::string_view text, FieldWriter& fields) {
  std::size_t equals = find_key_end(text, 0);
  for (std::size_t count = 0; equals != std::string_view::npos && count < kMostExtensions;
       ++count) {
    const std::size_t key = key_begin(text, equals), next = find_key_end(text, equals + 1);
    const std::size_t end = next == std::string_view::npos ? text.size() : key_begin(text, next);
    std::string_view value = text.substr(equals + 1, end - equals - 1);
    if (end != text.size() && value.ends_with(' ')) value.remove_suffix(1);
    write(fields, text.substr(key, equals - key), value);
    equals = next;
  }
}

void write_leef_attributes(std::string_view text, char delimiter, FieldWriter& fields) {
  for (std::size_t count = 0; !text.empty() && count < kMostExtensions; ++count) {
    const std::string_view pair = text.substr(0, text.find(delimiter));
    text.remove_prefix(std::min(text.size(), pair.size() + 1));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && equals != 0)
      fields.string(pair.substr(0, equals), pair.substr(equals + 1));
  }
}

/// `x5E`, `0x5E`, `x005E`
std::optional<char> hexadecimal(std::string_view text) noexcept {
  if (text.starts_with('0')) text.remove_prefix(1);
  if (!text.starts_with('x')) return std::nullopt;
  text.remove_prefix(1);
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (!whole || text.size() > kMostHexDigits || value > UCHAR_MAX) return std::nullopt;
  return static_cast<char>(value);
}

/// The sixth part of LEEF 2.0: a byte (`|` and `\` as well), its number, or nothing, which is a tab. Where it is none of
/// them it is missing, and the first of the attributes.
char take_delimiter(std::string_view& rest) noexcept {
  constexpr char kUsual = '\t';
  if (rest.starts_with('|') && !rest.starts_with("||")) {
    rest.remove_prefix(1);
    return kUsual;
  }
  if (rest.size() >= 2 && rest[1] == '|') {
    const char delimiter = rest[0];
    rest.remove_prefix(2);
    return delimiter;
  }
  const std::size_t end = std::min(rest.find('|'), rest.size());
  const auto delimiter = hexadecimal(rest.substr(0, end));
  if (!delimiter || end == rest.size()) return kUsual;
  rest.remove_prefix(end + 1);
  return *delimiter;
}

template <std::size_t kCount>
bool take_parts(std::string_view& rest, std::array<std::string_view, kCount>& parts) noexcept {
  for (std::string_view& part : parts) {
    const auto taken = take_part(rest);
    if (!taken) return false;
    part = *taken;
  }
  return true;
}

constexpr std::array<std::string_view, 7> kHeaderNames = {
    "format_version", "device_vendor", "device_product", "device_version",
    "event_id",       "name",          "severity"};

template <std::size_t kCount>
FieldWriter::Open begin(FieldWriter& fields, std::string_view format,
                        const std::array<std::string_view, kCount>& parts) {
  const auto map = fields.begin_map(Field::kFields);
  fields.string(std::string_view("format"), format);
  for (std::size_t at = 0; at < kCount; ++at) write(fields, kHeaderNames[at], parts[at]);
  return map;
}

bool write_cef(std::string_view rest, FieldWriter& fields) {
  std::array<std::string_view, 7> parts;
  if (!take_parts(rest, parts)) return false;
  const auto map = begin(fields, "CEF", parts);
  const auto extension = fields.begin_map(kExtension);
  write_cef_extension(rest, fields);
  fields.end(extension);
  fields.end(map);
  return true;
}

bool write_leef(std::string_view rest, FieldWriter& fields) {
  std::array<std::string_view, 5> parts;
  if (!take_parts(rest, parts)) return false;
  const char delimiter = parts[0].starts_with('2') ? take_delimiter(rest) : '\t';
  const auto map = begin(fields, "LEEF", parts);
  const auto extension = fields.begin_map(kExtension);
  write_leef_attributes(rest, delimiter, fields);
  fields.end(extension);
  fields.end(map);
  return true;
}

}  // namespace

bool is_cef_or_leef(std::string_view message) noexcept {
  return message.starts_with(kCef) || message.starts_with(kLeef);
}

bool write_cef_or_leef(std::string_view message, FieldWriter& fields) {
  if (message.starts_with(kCef)) return write_cef(message.substr(kCef.size()), fields);
  if (message.starts_with(kLeef)) return write_leef(message.substr(kLeef.size()), fields);
  return false;
}

}  // namespace penstock::syslog
