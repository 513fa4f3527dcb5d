#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The forms in which quantities are written. Pure; nothing but the whole text in the form counts.
namespace penstock::config {

/// Decimal digits only: no sign, no blanks. Empty on anything else or beyond int64.
std::optional<std::int64_t> parse_number(std::string_view text);

/// `500ms`, `30s`, `2m`, `1h`, `7d` and combinations in falling order (`1m30s`); `0` needs no unit. Empty on anything else or
/// beyond 2^53 ms.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A number of bytes with its unit: `512B`, `64KiB`, `1MiB`, `2GiB`, `1TiB`, decimal `10KB` (also `kB`), `MB`, `GB`, `TB`;
/// `0` needs no unit. Empty on anything else or beyond int64.
std::optional<std::int64_t> parse_size(std::string_view text);

/// Permission bits in octal, as chmod takes them: `0660`, `660`. Empty on anything else or beyond 0777.
std::optional<std::uint32_t> parse_mode(std::string_view text);

/// `local`: what parse_zone gives, which is no offset.
inline constexpr std::int32_t kLocalZone = 86'400;

/// Seconds east of UTC, of `utc`, `Z`, `+02:00`, `-0330`, or kLocalZone. Empty on anything else.
std::optional<std::int32_t> parse_zone(std::string_view text);

/// The bytes that end a frame, 1 to 64 of them, from a text in which `\xNN`, `\n`, `\r`, `\t`, `\0` and `\\` stand for
/// one byte each, and every other byte for itself. Empty on an unknown escape, no byte, or more.
std::optional<std::string> parse_delimiter(std::string_view text);

}  // namespace penstock::config
