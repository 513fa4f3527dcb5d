#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// UTF-8 as RFC 3629 has it: shortest forms, no surrogates, nothing above U+10FFFF. Pure; any thread.
namespace penstock {

/// U+FFFD, which stands for bytes that are no UTF-8.
inline constexpr std::string_view kReplacementCharacter = "\xef\xbf\xbd";

/// All of `text` is valid UTF-8. Some GB/s (simdjson).
bool is_utf8(std::string_view text) noexcept;

/// Bytes at the front of `text` that are valid UTF-8; all of them, or up to where the first invalid one stands.
std::size_t valid_utf8_prefix(std::string_view text) noexcept;

/// `text` with U+FFFD for each part of it that is no UTF-8 (see invalid_utf8_length).
std::string with_replacements(std::string_view text);

/// Puts a character, at most U+10FFFF and no surrogate, at `to`, where four bytes must have room; gives the place behind it.
char* put_utf8(std::uint32_t character, char* to) noexcept;

/// How many bytes one U+FFFD replaces where `text` begins with invalid UTF-8: the longest front of a character that goes
/// wrong behind it, or one byte (Unicode 15 section 3.9, "maximal subparts"; the WHATWG decoder and Python's `replace` do
/// the same). 1 to 3; `text` is not empty.
std::size_t invalid_utf8_length(std::string_view text) noexcept;

}  // namespace penstock
