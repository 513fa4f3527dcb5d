#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock {

/// The severity (RFC 5424 section 6.2.1, 0 to 7) that a logger's word for a level means, in any case: `info`, `WARN`,
/// `critical`, `trace`.
std::optional<std::int64_t> severity_of_word(std::string_view word) noexcept;

/// The same of a number: 0 to 7 mean themselves, 10 to 60 are the levels of bunyan and pino.
std::optional<std::int64_t> severity_of_number(std::int64_t level) noexcept;

}  // namespace penstock
