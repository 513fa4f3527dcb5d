#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace penstock {

/// Length of `2026-11-24T19:30:33.123456789Z`.
inline constexpr std::size_t kUtcTextBytes = 30;

/// Writes `time_ns`, nanoseconds since 1970, as RFC 3339 in UTC, always with nine digits of fraction: kUtcTextBytes at
/// `out`, without a NUL. Every value has a year of four digits (1677 to 2262).
void write_utc(std::int64_t time_ns, char* out) noexcept;

/// The same as a string.
std::string utc_text(std::int64_t time_ns);

}  // namespace penstock
