#pragma once

#include <chrono>
#include <cstdint>

#include "server/config/config.h"

namespace penstock {

/// `rotate.every` on the wall clock of the sink's time zone: "1h" begins on the hour, "1d" at midnight, "7d" on Monday.
/// Periods count from a Monday at 00:00, so one that divides no day (7h) begins at another hour each day. Where clocks are
/// put back, days and parts of days longer than an hour get longer, and periods of up to an hour go on in their pace: none
/// begins twice, and none is missing where clocks are put forward.

/// The first second after `since` that is in a later period. Seconds since 1970.
std::int64_t next_period(std::chrono::seconds every, config::TimeZone zone, std::int64_t since);

}  // namespace penstock
