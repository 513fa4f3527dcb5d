#include "protocols/syslog/rfc3164.h"

#include <array>
#include <chrono>
#include <cstdlib>

#include "protocols/core/local_zone.h"
#include "protocols/core/timestamp.h"
#include "protocols/syslog/cef.h"
#include "protocols/syslog/header.h"

namespace penstock::syslog {
namespace {

constexpr std::size_t kMostTagBytes = 64;
constexpr std::size_t kMostZoneNameBytes = 5;

bool is_letter(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool is_tag_byte(char c) noexcept {
  return is_letter(c) || Scanner::is_digit(c) || c == '_' || c == '-' || c == '.' || c == '/' ||
         c == '@' || c == '%';
}

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

/// Nothing is taken where there is none.
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

/// Where the year of a time stands: not behind it, or just there.
enum class Year : std::uint8_t { kNotBehind, kBehind };

/// A time of any form, of which the end must stand behind it. Nothing is taken where there is none.
class TimeScanner {
 public:
  TimeScanner(const SyslogOptions& options, std::int64_t received_ns) noexcept
      : options_(options), received_ns_(received_ns) {}

  bool scan(Scanner& in, std::int64_t& ns, Year year = Year::kNotBehind) const noexcept {
    const std::size_t begin = in.at();
    const bool found =
        Scanner::is_digit(in.peek()) ? scan_iso(in, ns, year) : scan_bsd(in, ns, year);
    if (found && at_time_end(in)) return true;
    in.back_to(begin);
    return false;
  }

  /// `*Mar  1 18:46:11.123 UTC:`: a mark of an unset clock, and a zone's name.
  bool scan_cisco(Scanner& in, std::int64_t& ns) const noexcept {
    const std::size_t begin = in.at();
    if (!in.take('*')) in.take('.');
    const std::size_t time = in.at();
    for (const Year year : {Year::kNotBehind, Year::kBehind}) {
      if (!scan(in, ns, year)) continue;
      scan_zone_name(in);
      if (in.take(": ")) return true;
      in.back_to(time);
    }
    in.back_to(begin);
    return false;
  }

 private:
  bool scan_iso(Scanner& in, std::int64_t& ns, Year year) const noexcept {
    if (year == Year::kBehind) return false;
    const std::size_t begin = in.at();
    if (!scan_rfc3339(in, ns)) return true;
    in.back_to(begin);
    CivilTime time;
    bool zoned = false;
    if (!scan_iso8601(in, time, zoned)) return false;
    return zoned ? to_nanoseconds(time, ns)
                 : moment_of(time, options_.zone_offset_s, received_ns_, ns);
  }

  bool scan_bsd(Scanner& in, std::int64_t& ns, Year year) const noexcept {
    CivilTime time;
    if (!scan_bsd_time(in, time)) return false;
    if (year == Year::kBehind && (time.year != 0 || !scan_year(in, time.year))) return false;
    if (time.year == 0) time.year = options_.year;
    return time.year != 0 ? moment_of(time, options_.zone_offset_s, received_ns_, ns)
                          : with_likely_year(time, options_.zone_offset_s, received_ns_, ns);
  }

  /// Its offset cannot be known, unless it is UTC, which the option says anyway.
  static void scan_zone_name(Scanner& in) noexcept {
    const std::size_t begin = in.at();
    if (in.take(' ')) {
      std::size_t letters = 0;
      while (is_letter(in.peek()) && letters < kMostZoneNameBytes) in.skip(1), ++letters;
      if (letters >= 2 && in.is(':')) return;
    }
    in.back_to(begin);
  }

  const SyslogOptions& options_;
  const std::int64_t received_ns_;
};

struct Tag {
  std::string_view app, procid;
};

/// A word of hexadecimal digits and several colons: an address of IPv6 is no tag.
bool is_address(std::string_view rest) noexcept {
  const std::string_view word = rest.substr(0, rest.find(' '));
  return word.find_first_not_of("0123456789abcdefABCDEF:.%") == std::string_view::npos &&
         word.find(':') != word.rfind(':');
}

/// `2003-10-11T22`, of a time that is none: no tag either.
bool is_date(std::string_view word) noexcept {
  Scanner in(word);
  unsigned number = 0;
  return in.digits(4, number) && in.take('-') && in.digits(2, number) && in.take('-') &&
         in.digits(2, number) && (in.take('T') || in.take('t')) && in.digits(2, number);
}

/// `TAG[PID]:`, `TAG:`; a blank behind it is no part of the message. Nothing is taken where it is not that.
bool scan_tag(Scanner& in, Tag& tag) noexcept {
  const std::size_t begin = in.at();
  while (is_tag_byte(in.peek()) && in.at() - begin <= kMostTagBytes) in.skip(1);
  tag.app = in.since(begin);
  const bool other = is_address(in.frame().substr(begin)) || is_date(tag.app);
  bool found =
      !other && !tag.app.empty() && tag.app.size() <= kMostTagBytes && tag.app.front() != '%';
  if (found && in.take('[')) {
    const std::size_t pid = in.at();
    while (!in.done() && !in.is(']') && !in.is(' ')) in.skip(1);
    tag.procid = in.since(pid);
    found = in.take(']');
  }
  if (found && in.take(':')) {
    in.take(' ');
    return true;
  }
  in.back_to(begin);
  return false;
}

/// One word and its blank: letters, digits and what addresses have in them.
bool scan_host(Scanner& in, std::string_view& host) noexcept {
  const std::size_t begin = in.at();
  while (!in.done() && !in.is(' ')) in.skip(1);
  host = in.since(begin);
  const bool last_is_colon =
      host.ends_with(':');  // a tag that is too long, or a form that nobody knows
  if (!host.empty() && !last_is_colon && in.take(' ')) return true;
  host = {};
  in.back_to(begin);
  return false;
}

/// `123: ` or `123: host: ` or `host: ` in front of a time, as Cisco devices write it; nothing taken where it is not that.
bool scan_cisco_front(Scanner& in, const TimeScanner& times, std::string_view& host,
                      std::int64_t& ns) noexcept {
  const std::size_t begin = in.at();
  unsigned sequence = 0;
  if (in.number(9, sequence) && !in.take(": ")) in.back_to(begin);
  if (times.scan_cisco(in, ns)) return true;
  const std::size_t word = in.at();
  while (is_tag_byte(in.peek()) || in.is(':')) in.skip(1);
  host = in.since(word);
  if (host.ends_with(':') && in.take(' ') && times.scan_cisco(in, ns)) {
    host.remove_suffix(1);
    return true;
  }
  host = {};
  in.back_to(begin);
  return false;
}

/// What stands between priority and message.
struct Head {
  bool timed = false, tagged = false;
  std::int64_t ns = 0;
  std::string_view host;
  Tag tag;
};

/// What CEF and LEEF begin with looks like a tag.
bool scan_optional_tag(Scanner& in, Tag& tag) noexcept {
  return !is_cef_or_leef(in.rest()) && scan_tag(in, tag);
}

void scan_host_and_tag(Scanner& in, Head& head) noexcept {
  in.skip_all(' ');
  head.tagged = scan_optional_tag(in, head.tag);
  if (!head.tagged && !is_cef_or_leef(in.rest()) && scan_host(in, head.host))
    head.tagged = scan_optional_tag(in, head.tag);
}

/// From `begin` a time with its year behind it, and what can only stand behind a time: a tag, something of Cisco's, CEF or
/// LEEF. Four digits in front of anything else are a host, or a number in a message. Nothing is taken where it is not that.
bool scan_head_with_year(Scanner& in, std::size_t begin, const TimeScanner& times,
                         Head& head) noexcept {
  const std::size_t behind_time = in.at();
  int year = 0;
  if (!scan_year(in, year)) return false;
  in.back_to(begin);
  Head found{.timed = true};
  if (times.scan(in, found.ns, Year::kBehind)) {
    const bool cisco = in.take(": ");
    if (!cisco && in.take(' ')) scan_host_and_tag(in, found);
    if (cisco || found.tagged || in.is('%') || is_cef_or_leef(in.rest())) {
      head = found;
      return true;
    }
  }
  in.back_to(behind_time);
  return false;
}

Head scan_head(Scanner& in, const TimeScanner& times) noexcept {
  Head head;
  const std::size_t begin = in.at();
  if (times.scan(in, head.ns)) {
    if (scan_head_with_year(in, begin, times, head)) return head;
    if (in.take(' ')) {
      head.timed = true;
      scan_host_and_tag(in, head);
      return head;
    }
  }
  in.back_to(begin);
  head.timed = scan_cisco_front(in, times, head.host, head.ns);
  if (!head.timed) head.tagged = scan_optional_tag(in, head.tag);
  return head;
}

}  // namespace

Problem parse_rfc3164(std::string_view frame, const SyslogOptions& options,
                      std::int64_t received_ns, FieldWriter& fields) {
  Scanner in(frame);
  if (in.is('<') && Scanner::is_digit(in.peek(1))) {
    if (const Problem problem = scan_pri(in, fields)) return problem;
  }
  const Head head = scan_head(in, TimeScanner(options, received_ns));
  if (head.timed) fields.time(Field::kTimestamp, head.ns);
  if (!head.host.empty()) fields.string(Field::kHost, head.host);
  if (head.tagged) {
    fields.string(Field::kApp, head.tag.app);
    if (!head.tag.procid.empty()) fields.string(Field::kProcid, head.tag.procid);
  }
  write_message(message_of(in.rest()), options.payload, fields);
  return {};
}

}  // namespace penstock::syslog
