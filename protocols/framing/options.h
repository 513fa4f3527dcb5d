#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocols/framing/length_prefixed.h"

namespace penstock {

/// How records are told apart on a stream. The names are those of the configuration, and so is the order.
enum class Framing : std::uint8_t {
  kNewline,
  kNul,
  kOctetCounted,
  kSyslogAuto,
  kDelimiter,
  kLengthPrefixed,
  kVarint,
  kFixed,
  kJson,
  kNone,
};

/// The same for a datagram or packet.
enum class Split : std::uint8_t {
  kNone,     ///< a datagram is one frame
  kNewline,  ///< a datagram holds lines; the last one needs no LF
};

/// What becomes of a frame longer than max_frame_bytes. Of a datagram, kClose is kDrop.
enum class Oversize : std::uint8_t {
  kTruncate,  ///< its first max_frame_bytes are delivered, flagged; the rest is counted as cut
  kDrop,      ///< rejected; its first max_frame_bytes go to the quarantine
  kClose,     ///< rejected like kDrop, and the connection ends
};

/// What becomes of a frame whose end has not come when its stream ends.
enum class Tail : std::uint8_t {
  kAuto,        ///< the peer's FIN: kDeliver; any other cause: kQuarantine
  kDeliver,     ///< a record, flagged as partial
  kQuarantine,  ///< rejected
  kDrop,        ///< rejected, and not even quarantined
};

/// What becomes of a frame that is not in the form of the listener's protocol.
enum class Unparsed : std::uint8_t {
  kDeliver,     ///< it goes on as it is, flagged, the reason beside it
  kQuarantine,  ///< rejected
};

/// How input is cut into records, whatever the protocol (DESIGN.md section 4). Streams use `framing`, datagrams `split`.
struct FramingOptions {
  Framing framing = Framing::kNewline;
  std::string delimiter;        ///< kDelimiter: 1 to DelimiterFramer::kMaxBytes bytes
  LengthField length;           ///< kLengthPrefixed
  std::size_t frame_bytes = 0;  ///< kFixed: 1 to max_frame_bytes
  Split split = Split::kNone;
  std::size_t max_frame_bytes = std::size_t{64} << 10;  ///< 1 to kMaxFrameBytes
  Oversize oversize = Oversize::kTruncate;
  Tail tail = Tail::kAuto;
  Unparsed unparsed = Unparsed::kDeliver;

  friend bool operator==(const FramingOptions&, const FramingOptions&) = default;
};

}  // namespace penstock
