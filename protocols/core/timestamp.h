#pragma once

#include <cstdint>

#include "protocols/core/scanner.h"

namespace penstock {

inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;

/// A date and a time of day as a sender writes them, not yet checked.
struct CivilTime {
  int year = 0;
  unsigned month = 1, day = 1, hour = 0, minute = 0, second = 0;
  unsigned nanos = 0;
  std::int32_t zone_offset_s = 0;  ///< seconds east of UTC
};

/// Nanoseconds since 1970 UTC. False where there is no such time, or 64 bits do not hold it (1678 to 2261 do, and
/// what 1677 and 2262 have of the range). A leap second, :60, is the moment behind :59.
bool to_nanoseconds(const CivilTime& time, std::int64_t& ns) noexcept;

/// A `point`, and digits of a fraction of a second, if there is one: nine count, more are passed over. False, at its
/// place, where no digit follows the point.
bool scan_fraction(Scanner& in, unsigned& nanos, char point = '.') noexcept;

/// `hh:mm:ss`, two digits each.
bool scan_clock(Scanner& in, CivilTime& time) noexcept;

/// RFC 3339 section 5.6: `2003-10-11T22:14:15.003Z`, with any number of digits of fraction and either case of T and Z. A
/// problem stands at the byte that is not as it should be.
Problem scan_rfc3339(Scanner& in, std::int64_t& ns) noexcept;

/// What else is written in its name (ISO 8601): a comma in front of the fraction, `+0200`, or no zone at all; `zoned` says
/// whether there is one. `separator` stands between date and time; for `T`, `t` may as well. False, somewhere in it, where
/// it is not of that form.
bool scan_iso8601(Scanner& in, CivilTime& time, bool& zoned, char separator = 'T') noexcept;

/// `Z`, `+02:00` or `+0200`, as seconds east of UTC. False, somewhere in it, where it is not of that form.
bool scan_zone_offset(Scanner& in, std::int32_t& offset_s) noexcept;

}  // namespace penstock
