#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

/// Reads `number`, decimal text as JSON and others write it (`1385053862.3072`, `-1`, `1.5e9`), as seconds since 1970 UTC.
/// Exact, with an exponent too (Java writes 1.497313808264E9); what is less than a nanosecond is passed over. False where it
/// is no such number, or 64 bits of nanoseconds do not hold it.
bool epoch_seconds(std::string_view number, std::int64_t& ns) noexcept;

/// The same where the sender does not say whether it counts seconds, milliseconds, microseconds or nanoseconds: what its
/// size says. Seconds up to the year 5138, milliseconds from 1973 on.
bool epoch_of_any_unit(std::string_view number, std::int64_t& ns) noexcept;
bool epoch_of_any_unit(std::int64_t count, std::int64_t& ns) noexcept;
bool epoch_of_any_unit(double count, std::int64_t& ns) noexcept;

}  // namespace penstock
