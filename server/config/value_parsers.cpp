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

constexpr std::array<Unit, 4> kDurationUnits = {
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}}};

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

}  // namespace penstock::config
