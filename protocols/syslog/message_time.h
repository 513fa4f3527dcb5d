#pragma once

#include <cstdint>
#include <optional>

#include "protocols/core/scanner.h"
#include "protocols/syslog/options.h"

namespace penstock::syslog {

/// Where the year of a time stands: not behind it, or just there.
enum class Year : std::uint8_t { kNotBehind, kBehind };

/// ` 2015` behind a time, and what may stand behind that; nothing is taken where there is none.
bool scan_year(Scanner& in, int& year) noexcept;

/// The times that messages carry, for those that were received at one moment. Each call takes nothing where there is no such
/// time; one without a zone is in that of the options, one without a year in the last that puts it no more than a week
/// ahead of its receipt. `options` outlive it.
class TimeScanner {
 public:
  TimeScanner(const SyslogOptions& options, std::int64_t received_ns) noexcept
      : options_(options), received_ns_(received_ns) {}

  /// A time of any form but those below, of which the end (a blank, a colon and a blank, or nothing) must stand behind it.
  bool scan(Scanner& in, std::int64_t& ns, Year year = Year::kNotBehind) const noexcept;

  /// RFC 3339, also with a comma in front of the fraction, `+0200` or no zone. Other `separator`s than `T` are themselves.
  bool scan_iso(Scanner& in, std::int64_t& ns, char separator = 'T') const noexcept;

  /// `*Mar  1 18:46:11.123 UTC: `, the colon and the blanks behind it included: perhaps a mark, a zone's name, a blank in
  /// front of the colon. `clock_is_right`: without the mark of a clock that was never set (`*`) or is not in step (`.`).
  bool scan_cisco(Scanner& in, std::int64_t& ns, bool& clock_is_right) const noexcept;

 private:
  bool scan_bsd(Scanner& in, std::int64_t& ns, Year year) const noexcept;

  const SyslogOptions& options_;
  const std::int64_t received_ns_;
};

}  // namespace penstock::syslog
