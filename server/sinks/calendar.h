#pragma once

#include <cstdint>
#include <ctime>
#include <string>

#include "server/config/config.h"

namespace penstock {

/// A time in seconds since 1970, on the calendar of `zone`.
std::tm calendar_of(std::int64_t seconds, config::TimeZone zone);

/// Appends one conversion of strftime, such as `%Y`, of `seconds`, whose calendar is `calendar`.
void append_time(std::string& out, const std::string& conversion, std::int64_t seconds,
                 const std::tm& calendar);

}  // namespace penstock
