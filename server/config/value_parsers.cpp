#include "server/config/value_parsers.h"

#include <array>
#include <charconv>
#include <limits>

namespace penstock::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 5> kDurationUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

constexpr std::int64_t kKibi = 1024, kKilo = 1000;
constexpr std::array<Unit, 10> kSizeUnits = {{{"B", 1},
                                              {"KiB", kKibi},
                                              {"MiB", kKibi* kKibi},
                                              {"GiB", kKibi* kKibi* kKibi},
                                              {"TiB", kKibi* kKibi* kKibi* kKibi},
                                              {"KB", kKilo},
                                              {"kB", kKilo},
                                              {"MB", kKilo* kKilo},
                                              {"GB", kKilo* kKilo* kKilo},
                                              {"TB", kKilo* kKilo* kKilo* kKilo}}};

constexpr std::int64_t kLongest = std::int64_t{1} << 53;

std::string_view take_while(std::string_view& text, bool digits) {
  std::size_t size = 0;
  while (size < text.size() && (text[size] >= '0' && text[size] <= '9') == digits) ++size;
  const auto taken = text.substr(0, size);
  text.remove_prefix(size);
  return taken;
}

std::optional<std::int64_t> times(std::int64_t number, std::int64_t factor) {
  if (number > std::numeric_limits<std::int64_t>::max() / factor) return {};
  return number * factor;
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return {};
}

// What `\xNN` stands for, the backslash and the x taken off.
std::optional<char> take_hex(std::string_view& text) {
  if (text.size() < 2) return {};
  const auto high = hex_digit(text[0]), low = hex_digit(text[1]);
  text.remove_prefix(2);
  if (!high || !low) return {};
  return static_cast<char>(*high * 16 + *low);
}

// The byte that the front of `text` stands for; takes it off.
std::optional<char> take_byte(std::string_view& text) {
  const char first = text.front();
  text.remove_prefix(1);
  if (first != '\\') return first;
  if (text.empty()) return {};
  const char escape = text.front();
  text.remove_prefix(1);
  switch (escape) {
    case 'x': return take_hex(text);
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case '0': return '\0';
    case '\\': return '\\';
    default: return {};
  }
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) {
  if (text.empty() || text[0] == '-') return {};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return number;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  if (text.empty()) return {};
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  while (!text.empty()) {
    const auto number = parse_number(take_while(text, true));
    const auto name = take_while(text, false);
    while (next_unit < kDurationUnits.size() && kDurationUnits[next_unit].name != name) ++next_unit;
    if (!number || next_unit == kDurationUnits.size()) return {};
    const auto part = times(*number, kDurationUnits[next_unit++].factor);
    if (!part || *part > kLongest - total) return {};
    total += *part;
  }
  return std::chrono::milliseconds(total);
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  if (text == "0") return 0;
  const auto number = parse_number(take_while(text, true));
  if (!number) return {};
  for (const auto& unit : kSizeUnits) {
    if (unit.name == text) return times(*number, unit.factor);
  }
  return {};
}

std::optional<std::string> parse_delimiter(std::string_view text) {
  constexpr std::size_t kMostBytes = 64;
  std::string bytes;
  while (!text.empty()) {
    const auto byte = take_byte(text);
    if (!byte) return {};
    bytes += *byte;
  }
  if (bytes.empty() || bytes.size() > kMostBytes) return {};
  return bytes;
}

std::optional<std::uint32_t> parse_mode(std::string_view text) {
  if (text.empty() || text.size() > 4) return {};
  std::uint32_t mode = 0;
  for (const char c : text) {
    if (c < '0' || c > '7') return {};
    mode = mode * 8 + static_cast<std::uint32_t>(c - '0');
  }
  if (mode > 0777) return {};
  return mode;
}

std::optional<std::int32_t> parse_zone(std::string_view text) {
  if (text == "utc" || text == "UTC" || text == "Z") return 0;
  if (text == "local") return kLocalZone;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return {};
  const bool east = text[0] == '+';
  std::string digits(text.substr(1));
  if (digits.size() == 5 && digits[2] == ':') digits.erase(2, 1);
  const auto number = digits.size() == 4 ? parse_number(digits) : std::nullopt;
  if (!number || *number / 100 > 23 || *number % 100 > 59) return {};
  const auto seconds = static_cast<std::int32_t>((*number / 100 * 60 + *number % 100) * 60);
  return east ? seconds : -seconds;
}

}  // namespace penstock::config
