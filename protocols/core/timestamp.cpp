#include "protocols/core/timestamp.h"

#include <chrono>

namespace penstock {
namespace {

constexpr int kFirstYear = 1677, kLastYear = 2262;
constexpr unsigned kNanosDigits = 9;

enum class ZoneColon : std::uint8_t { kRequired, kOptional };

bool scan_zone(Scanner& in, std::int32_t& offset_s, ZoneColon colon) noexcept {
  offset_s = 0;
  if (in.take('Z') || in.take('z')) return true;
  const bool east = in.is('+');
  if (!in.take('+') && !in.take('-')) return false;
  unsigned hours = 0, minutes = 0;
  if (!in.digits(2, hours) || (!in.take(':') && colon == ZoneColon::kRequired)) return false;
  if (!in.digits(2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  const auto seconds = static_cast<std::int32_t>((hours * 60 + minutes) * 60);
  offset_s = east ? seconds : -seconds;
  return true;
}

/// False where 64 bits do not hold the sum. The first second that they hold a part of begins before they do.
bool add_nanoseconds(std::int64_t seconds, std::int64_t nanos, std::int64_t& ns) noexcept {
  if (seconds < 0) {
    ++seconds;
    nanos -= kNanosPerSecond;
  }
  return !__builtin_mul_overflow(seconds, kNanosPerSecond, &ns) &&
         !__builtin_add_overflow(ns, nanos, &ns);
}

Problem scan_date(Scanner& in, CivilTime& time, char separator = 'T') noexcept {
  unsigned year = 0;
  if (!in.digits(4, year) || !in.take('-') || !in.digits(2, time.month) || !in.take('-') ||
      !in.digits(2, time.day))
    return in.problem("the date is not of the form 2003-10-11");
  time.year = static_cast<int>(year);
  if (!in.take(separator) && (separator != 'T' || !in.take('t')))
    return in.problem("no T between date and time");
  return {};
}

}  // namespace

bool to_nanoseconds(const CivilTime& time, std::int64_t& ns) noexcept {
  const std::chrono::year_month_day date{
      std::chrono::year(time.year), std::chrono::month(time.month), std::chrono::day(time.day)};
  if (time.year < kFirstYear || time.year > kLastYear || !date.ok()) return false;
  if (time.hour > 23 || time.minute > 59 || time.second > 60) return false;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + (time.hour * 60 + time.minute) * 60 + time.second;
  return add_nanoseconds(seconds - time.zone_offset_s, time.nanos, ns);
}

bool scan_fraction(Scanner& in, unsigned& nanos, char point) noexcept {
  nanos = 0;
  if (!in.take(point)) return true;
  unsigned count = 0;
  for (; Scanner::is_digit(in.peek()); in.skip(1), ++count) {
    if (count < kNanosDigits) nanos = nanos * 10 + static_cast<unsigned>(in.peek() - '0');
  }
  for (unsigned missing = count; missing < kNanosDigits; ++missing) nanos *= 10;
  return count != 0;
}

bool scan_clock(Scanner& in, CivilTime& time) noexcept {
  return in.digits(2, time.hour) && in.take(':') && in.digits(2, time.minute) && in.take(':') &&
         in.digits(2, time.second);
}

Problem scan_rfc3339(Scanner& in, std::int64_t& ns) noexcept {
  const std::size_t begin = in.at();
  CivilTime time;
  if (const Problem problem = scan_date(in, time)) return problem;
  if (!scan_clock(in, time)) return in.problem("the time is not of the form 22:14:15");
  if (!scan_fraction(in, time.nanos)) return in.problem("no digit behind the point of the time");
  if (!scan_zone(in, time.zone_offset_s, ZoneColon::kRequired))
    return in.problem("the time has no zone, Z or +02:00");
  if (to_nanoseconds(time, ns)) return {};
  in.back_to(begin);
  return in.problem("there is no such time");
}

bool scan_zone_offset(Scanner& in, std::int32_t& offset_s) noexcept {
  return scan_zone(in, offset_s, ZoneColon::kOptional);
}

bool scan_iso8601(Scanner& in, CivilTime& time, bool& zoned, char separator) noexcept {
  if (scan_date(in, time, separator) || !scan_clock(in, time)) return false;
  if (!scan_fraction(in, time.nanos, in.is(',') ? ',' : '.')) return false;
  const std::size_t begin = in.at();
  zoned = scan_zone_offset(in, time.zone_offset_s);
  if (!zoned) in.back_to(begin);
  return true;
}

}  // namespace penstock
