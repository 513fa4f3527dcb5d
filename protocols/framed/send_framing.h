#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/framing/length_prefixed.h"

namespace penstock {

/// How what sends tells records apart on the wire. syslog_auto sends octet counts, which a listener with that framing
/// recognises record by record; none and fixed put nothing between them; json a LF. The names are those of the
/// configuration and the command line, and so is the order.
enum class SendFraming : std::uint8_t {
  kNewline,
  kCrlf,
  kNul,
  kOctetCounted,
  kSyslogAuto,
  kDelimiter,
  kLengthPrefixed,
  kVarint,
  kFixed,
  kJson,
  kNone
};

/// A framing with what it needs to be told.
struct FrameForm {
  FrameForm(SendFraming kind) noexcept : framing(kind) {}  // NOLINT: most need nothing more

  SendFraming framing;
  std::string delimiter;  ///< kDelimiter: its bytes
  LengthField length;     ///< kLengthPrefixed; what stands in front of the length is sent as 0
  std::size_t frame_bytes = 0;  ///< kFixed

  friend bool operator==(const FrameForm&, const FrameForm&) = default;
};

/// What stands in front of a record of `size_bytes` on the wire: the count and a blank, a length, or nothing. The record
/// must be one that keeps_whole() accepts.
std::string frame_prefix(const FrameForm& form, std::size_t size_bytes);
/// What stands behind it. Lives as long as `form`.
std::string_view frame_suffix(const FrameForm& form) noexcept;

/// What is counted as part of `record` for the receiver to take off: receivers pass over one LF at the end of an
/// octet-counted frame (syslog-ng counts it), so a record that ends in LF gets one more.
std::string_view frame_padding(const FrameForm& form, std::string_view record) noexcept;

/// The bytes that end a record for the receiver, so that they cannot stand inside one; empty where there are none.
/// Lives as long as `form`.
std::string_view frame_delimiter(const FrameForm& form) noexcept;

/// What records travel in.
enum class Carrier : std::uint8_t { kStream, kMessages };

/// The receiver finds `record` again, and those before and behind it.
///
/// On a stream it must not hold the delimiter, nor make one with the front of the delimiter behind it; its length must
/// fit the length field, or be frame_bytes; for json it must be one JSON value. In messages it may hold anything, but one
/// delimiter (LF or CRLF) at the end of a message is framing.
bool can_carry(const FrameForm& form, Carrier carrier, std::string_view record);

/// The same, and what a listener with this framing takes from the wire is `record`, byte for byte: a CR at its end would be
/// taken for a part of the LF behind.
bool keeps_whole(const FrameForm& form, Carrier carrier, std::string_view record);

}  // namespace penstock
