#include "server/commands/top/units.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace penstock {
namespace {

/// One digit behind the point below 10, none above it, so that four characters say it.
std::string scaled(double value, double base, const char* units) {
  if (!(value > 0)) return "0";
  if (value < 999.5) {
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(),
                  value < 9.95 && value != std::floor(value) ? "%.1f" : "%.0f", value);
    return text.data();
  }
  const char* unit = units;
  value /= base;
  while (value >= 999.5 && unit[1] != '\0') value /= base, ++unit;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), value < 9.95 ? "%.1f%c" : "%.0f%c", value, *unit);
  return text.data();
}

}  // namespace

std::string short_bytes(double bytes) { return scaled(bytes, 1024, "KMGTP"); }
std::string short_number(double number) { return scaled(number, 1000, "kMGTP"); }

std::string short_time(double seconds) {
  std::array<char, 32> text{};
  const auto whole = static_cast<long long>(std::max(seconds, 0.0));
  if (seconds < 9.95)
    std::snprintf(text.data(), text.size(), "%.1fs", std::max(seconds, 0.0));
  else if (whole < 100)
    std::snprintf(text.data(), text.size(), "%llds", whole);
  else if (whole < 6'000)
    std::snprintf(text.data(), text.size(), "%lldm", whole / 60);
  else if (whole < 36'000)
    std::snprintf(text.data(), text.size(), "%lldh%02lldm", whole / 3600, whole / 60 % 60);
  else if (whole < 360'000)
    std::snprintf(text.data(), text.size(), "%lldh", whole / 3600);
  else
    std::snprintf(text.data(), text.size(), "%lldd", whole / 86400);
  return text.data();
}

}  // namespace penstock
