#include "protocols/syslog/message_time.h"

#include <array>
#include <chrono>
#include <string_view>

#include "protocols/core/local_zone.h"
#include "protocols/core/timestamp.h"

namespace penstock::syslog {
namespace {

constexpr std::size_t kMostZoneNameBytes = 5;

bool scan_month(Scanner& in, unsigned& month) noexcept {
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (unsigned at = 0; at < kMonths.size(); ++at) {
    if (!in.take(kMonths[at])) continue;
    month = at + 1;
    return true;
  }
  return false;
}

/// What may stand behind a time, or a year: a blank, a colon and a blank, or the end.
bool at_time_end(const Scanner& in) noexcept {
  return in.done() || in.is(' ') ||
         (in.is(':') && (in.peek(1) == ' ' || in.at() + 1 == in.frame().size()));
}

/// `Mmm dd [yyyy] hh:mm:ss[.fraction]`; nothing is taken where it is not that.
bool scan_bsd_time(Scanner& in, CivilTime& time) noexcept {
  const std::size_t begin = in.at();
  const auto no = [&] {
    in.back_to(begin);
    return false;
  };
  if (!scan_month(in, time.month) || !in.take(' ')) return no();
  in.skip_all(' ');
  if (!in.number(2, time.day)) return no();
  scan_year(in, time.year);
  if (!in.take(' ') || !scan_clock(in, time) || !scan_fraction(in, time.nanos)) return no();
  return true;
}

/// Senders whose clock or zone is wrong are ahead of us by less.
constexpr std::int64_t kMostAheadNs = std::int64_t{7} * 86'400 * kNanosPerSecond;
/// Between two leap years there may be eight.
constexpr int kYearsBack = 8;

/// In that zone, or in this machine's.
bool moment_of(CivilTime time, std::optional<std::int32_t> zone_offset_s, std::int64_t received_ns,
               std::int64_t& ns) noexcept {
  time.zone_offset_s = zone_offset_s ? *zone_offset_s : local_offset_s(time, received_ns);
  return to_nanoseconds(time, ns);
}

/// Without a year: the last one that puts it no more than a week ahead of its receipt.
bool with_likely_year(CivilTime& time, std::optional<std::int32_t> zone_offset_s,
                      std::int64_t received_ns, std::int64_t& ns) noexcept {
  const std::chrono::sys_seconds received(std::chrono::seconds(received_ns / kNanosPerSecond));
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(received));
  const int this_year = static_cast<int>(date.year());
  for (time.year = this_year + 1; time.year >= this_year - kYearsBack; --time.year) {
    if (moment_of(time, zone_offset_s, received_ns, ns) && ns <= received_ns + kMostAheadNs)
      return true;
  }
  return false;
}

/// `2015 Mar  1 18:46:11`, as Nexus switches write it.
bool scan_year_first(Scanner& in, CivilTime& time) noexcept {
  unsigned year = 0;
  if (!in.digits(4, year) || !in.take(' ') || !scan_bsd_time(in, time) || time.year != 0)
    return false;
  time.year = static_cast<int>(year);
  return true;
}

/// ` UTC`, of all names of zones the one of which the offset is known, ` +02:00`, or `+08:00` without a blank (Huawei).
/// Nothing is taken where there is none.
void scan_bsd_zone(Scanner& in, std::optional<std::int32_t>& offset_s) noexcept {
  const std::size_t begin = in.at();
  in.take(' ');
  std::int32_t found_s = 0;
  const bool numeric = in.is('+') || in.is('-');
  const bool found = numeric ? scan_zone_offset(in, found_s) : in.take("UTC") || in.take("GMT");
  if (found && at_time_end(in) && (numeric || in.frame()[begin] == ' '))
    offset_s = found_s;
  else
    in.back_to(begin);
}

/// Any name: a word of letters in front of a colon.
void scan_zone_name(Scanner& in) noexcept {
  const std::size_t begin = in.at();
  if (in.take(' ')) {
    std::size_t letters = 0;
    while (Scanner::is_letter(in.peek()) && letters < kMostZoneNameBytes) in.skip(1), ++letters;
    if (letters >= 2 && (in.is(':') || (in.is(' ') && in.peek(1) == ':'))) return;
  }
  in.back_to(begin);
}

/// A colon and blanks; a blank may stand in front of it.
bool scan_colon(Scanner& in) noexcept {
  in.take(' ');
  if (!in.take(": ")) return false;
  in.skip_all(' ');
  return true;
}

}  // namespace

bool scan_year(Scanner& in, int& year) noexcept {
  const std::size_t begin = in.at();
  unsigned value = 0;
  if (in.take(' ') && in.digits(4, value) && at_time_end(in)) {
    year = static_cast<int>(value);
    return true;
  }
  in.back_to(begin);
  return false;
}

bool TimeScanner::scan(Scanner& in, std::int64_t& ns, Year year) const noexcept {
  const std::size_t begin = in.at();
  const bool iso = Scanner::is_digit(in.peek()) && in.peek(4) == '-';
  const bool found = iso ? year == Year::kNotBehind && scan_iso(in, ns) : scan_bsd(in, ns, year);
  if (found && at_time_end(in)) return true;
  in.back_to(begin);
  return false;
}

bool TimeScanner::scan_iso(Scanner& in, std::int64_t& ns, char separator) const noexcept {
  const std::size_t begin = in.at();
  if (separator == 'T' && !scan_rfc3339(in, ns)) return true;
  in.back_to(begin);
  CivilTime time;
  bool zoned = false;
  const bool found = scan_iso8601(in, time, zoned, separator) &&
                     (zoned ? to_nanoseconds(time, ns)
                            : moment_of(time, options_.zone_offset_s, received_ns_, ns));
  if (!found) in.back_to(begin);
  return found;
}

bool TimeScanner::scan_bsd(Scanner& in, std::int64_t& ns, Year year) const noexcept {
  CivilTime time;
  const bool year_first = Scanner::is_digit(in.peek());
  if (!(year_first ? scan_year_first(in, time) : scan_bsd_time(in, time))) return false;
  std::optional<std::int32_t> zone_offset_s = options_.zone_offset_s;
  scan_bsd_zone(in, zone_offset_s);
  if (year == Year::kBehind) {
    if (time.year != 0 || !scan_year(in, time.year)) return false;
    scan_bsd_zone(in, zone_offset_s);
  }
  if (time.year == 0) time.year = options_.year;
  return time.year != 0 ? moment_of(time, zone_offset_s, received_ns_, ns)
                        : with_likely_year(time, zone_offset_s, received_ns_, ns);
}

bool TimeScanner::scan_cisco(Scanner& in, std::int64_t& ns, bool& clock_is_right) const noexcept {
  const std::size_t begin = in.at();
  clock_is_right = !in.take('*') && !in.take('.');
  const std::size_t time = in.at();
  for (const Year year : {Year::kNotBehind, Year::kBehind}) {
    if (!scan(in, ns, year)) continue;
    scan_zone_name(in);
    if (scan_colon(in)) return true;
    in.back_to(time);
  }
  in.back_to(begin);
  return false;
}

}  // namespace penstock::syslog
