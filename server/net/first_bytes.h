#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

/// What a listener's streams are expected to be, as far as their first bytes can tell.
enum class StreamForm : std::uint8_t {
  kLines,   ///< framing newline
  kText,    ///< text in another form: syslog_auto, nul
  kCounts,  ///< octet_counted
  kLength,  ///< a binary length comes first: length_prefixed, varint
  kJson,
  kAny,  ///< nothing is known of the bytes: delimiter, fixed, none
};

/// What the sender seems to speak, and the setting with which it would be understood.
struct FirstBytesHint {
  std::string_view what;     ///< `an HTTP request`; empty when there is nothing to say
  std::string_view setting;  ///< `framing = "json"`; empty where no setting helps
};

/// A guess for the log; nothing is decided by it. Looks at no more than 16 bytes.
///
/// TLS, HTTP and PROXY headers are named everywhere; compression, UTF-16, Beats, Fluentd and RELP where text is expected;
/// octet counts, NUL-terminated text and binary lengths where lines are; text and JSON where a binary length is.
FirstBytesHint first_bytes_hint(std::string_view first, StreamForm expected) noexcept;

}  // namespace penstock
