#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace penstock {

/// What the messages of one listener leave open.
struct SyslogOptions {
  enum class Form : std::uint8_t {
    kAuto,  ///< each message by itself: a version behind the PRI is RFC 5424, anything else RFC 3164
    k3164,
    k5424,
  };
  /// What a message in CEF or LEEF becomes.
  enum class Payload : std::uint8_t {
    kNone,  ///< a text like any other
    kCef,   ///< `CEF:0|...` and `LEEF:1.0|...` give fields, other messages none
  };

  Form form = Form::kAuto;
  int year = 0;  ///< of times without one; 0: the last that is at most a week ahead of receipt
  /// Of times without one, seconds east of UTC; -86399 to 86399. None: the zone of this machine.
  std::optional<std::int32_t> zone_offset_s = 0;
  bool decompress = true;  ///< messages of `z` and zlib (rsyslog's per-message compression)
  std::size_t max_decompressed_bytes = std::size_t{1} << 20;  ///< of one message
  Payload payload = Payload::kNone;

  friend bool operator==(const SyslogOptions&, const SyslogOptions&) = default;
};

}  // namespace penstock
