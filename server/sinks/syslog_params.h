#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocols/core/event.h"

/// STRUCTURED-DATA of a syslog message (RFC 5424 section 6.3). See SyslogEncoder. Pure.
namespace penstock::syslog_text {

/// What of an event stands elsewhere in its message.
struct Shown {
  bool tag = false;           ///< as APP-NAME, whole
  bool full_message = false;  ///< as MSG
};

/// Its elements one behind the other: those of `structured_data`, then `fields@32473`; nil where there are none.
void append_structured_data(std::string& out, const Event& event, Shown shown);

/// PRINTUSASCII of at most `most` bytes, `_` for what is none and for `special`; nil where there is none.
void append_name(std::string& out, std::string_view text, std::size_t most,
                 std::string_view special = {});

/// As TIMESTAMP has it: microseconds.
void append_time(std::string& out, std::int64_t time_ns);

/// Any bytes but LF and its like: control characters are `#ooo`, octal, as rsyslog writes them.
void append_field_text(std::string& out, std::string_view text);

/// GELF's name of a text that does not fit in one line.
inline constexpr std::string_view kFullMessage = "full_message";

inline constexpr std::uint64_t kMostFacility = 23, kMostSeverity = 7;

/// The number, if it is one of 0 to `most`.
bool is_priority_part(const FieldValue& value, std::uint64_t most) noexcept;

}  // namespace penstock::syslog_text
