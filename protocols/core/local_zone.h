#pragma once

#include <cstdint>

#include "protocols/core/timestamp.h"

namespace penstock {

/// Seconds east of UTC that the machine's own zone (TZ or /etc/localtime, tzset(3)) has at the wall clock time `time`,
/// whose own offset is not looked at. Of a time that a change of the clock makes twice, the one with the offset that holds
/// at `near_ns` (since 1970 UTC), if one has; a time that a change leaves out is taken as the clock before it would show
/// it. What the zone's rules say is kept a thread, by quarters of an hour, in which no zone of today changes.
std::int32_t local_offset_s(const CivilTime& time, std::int64_t near_ns) noexcept;

}  // namespace penstock
