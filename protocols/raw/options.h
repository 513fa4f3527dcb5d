#pragma once

#include <cstddef>
#include <cstdint>

namespace penstock {

/// What `protocol = "raw"` can be told (DESIGN.md section 4). Streams use `framing`, datagrams `split`.
struct RawOptions {
  enum class Framing : std::uint8_t { kNewline, kNul, kOctetCounted, kSyslogAuto };
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

  Framing framing = Framing::kNewline;
  Split split = Split::kNone;
  std::size_t max_frame_bytes = std::size_t{64} << 10;  ///< 1 to kMaxFrameBytes
  Oversize oversize = Oversize::kTruncate;
  Tail tail = Tail::kAuto;

  friend bool operator==(const RawOptions&, const RawOptions&) = default;
};

}  // namespace penstock
