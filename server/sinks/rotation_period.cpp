#include "server/sinks/rotation_period.h"

#include <ctime>

namespace penstock {
namespace {

constexpr std::int64_t kHour = 3600, kDay = 86400;
constexpr std::int64_t kMondayOffset = 3 * kDay;  // 1970 began on a Thursday

std::int64_t offset_at(config::TimeZone zone, std::int64_t second) {
  if (zone == config::TimeZone::kUtc) return 0;
  const auto time = static_cast<std::time_t>(second);
  std::tm calendar{};
  localtime_r(&time, &calendar);
  return calendar.tm_gmtoff;
}

std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept { return a / b - (a % b < 0); }

}  // namespace

std::int64_t next_period(std::chrono::seconds every, config::TimeZone zone, std::int64_t since) {
  const auto period = [&](std::int64_t second, std::int64_t offset) {
    return floor_div(second + offset + kMondayOffset, every.count());
  };
  // Up to an hour both are looked at on the same clock: the hour that comes twice is two hours.
  const auto later = [&](std::int64_t second) {
    const std::int64_t offset = offset_at(zone, second);
    const std::int64_t before = every.count() <= kHour ? offset : offset_at(zone, since);
    return period(second, offset) > period(since, before);
  };
  std::int64_t no = since, yes = since + every.count() + kDay;  // no zone moves by a day
  while (yes - no > 1) {
    const std::int64_t middle = no + (yes - no) / 2;
    (later(middle) ? yes : no) = middle;
  }
  return yes;
}

}  // namespace penstock
