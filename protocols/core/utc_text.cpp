#include "protocols/core/utc_text.h"

#include <chrono>

#include "protocols/core/timestamp.h"

namespace penstock {
namespace {

/// `value` in exactly `digits` digits.
char* write_digits(unsigned value, int digits, char* out) noexcept {
  for (int at = digits - 1; at >= 0; --at, value /= 10)
    out[at] = static_cast<char>('0' + value % 10);
  return out + digits;
}

}  // namespace

void write_utc(std::int64_t time_ns, char* out) noexcept {
  // Seconds first: the midnight before the earliest times has no 64-bit nanoseconds.
  const std::int64_t rest = time_ns % kNanosPerSecond;
  const std::int64_t nanos = rest < 0 ? rest + kNanosPerSecond : rest;
  const std::chrono::sys_seconds time(
      std::chrono::seconds(time_ns / kNanosPerSecond - (rest < 0 ? 1 : 0)));
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const auto field = [&out](auto value, int digits, char behind) {
    out = write_digits(static_cast<unsigned>(value), digits, out);
    *out++ = behind;
  };
  field(static_cast<int>(date.year()), 4, '-');
  field(static_cast<unsigned>(date.month()), 2, '-');
  field(static_cast<unsigned>(date.day()), 2, 'T');
  field(clock.hours().count(), 2, ':');
  field(clock.minutes().count(), 2, ':');
  field(clock.seconds().count(), 2, '.');
  field(nanos, 9, 'Z');
}

}  // namespace penstock
