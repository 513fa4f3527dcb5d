#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"

namespace penstock {

/// One entry of a quarantine file: a JSON object on a line of its own,
/// `{"time":"2026-11-24T19:30:33.123456789Z","listener":"syslog","url":"tcp://127.0.0.1:5514","peer":"192.0.2.1:40000",
///   "reason":"tail_reset","sink":"archive","flags":["partial"],"bytes":"PGJhc2U2ND4="}`.
/// `sink` only where one has refused the record, `detail` (`at byte 4: ...`) and `flags` only where set. Readable by `penstock send --replay`.
struct QuarantineEntry {
  std::int64_t time_ns = 0;  ///< receive time, CLOCK_REALTIME
  std::string listener, url, peer, reason, sink;
  std::string detail;      ///< what is wrong with the bytes, where the reason does not say it
  std::uint8_t flags = 0;  ///< FrameFlag bits
  std::string bytes;       ///< as received, any bytes

  friend bool operator==(const QuarantineEntry&, const QuarantineEntry&) = default;
};

/// An entry of a frame of `segment`; reason, sink, flags and bytes are still to be filled in.
QuarantineEntry entry_for(const Segment& segment);

/// Appends the entry as one line, LF included; the line holds no other LF. Invalid UTF-8 in a name becomes U+FFFD;
/// `bytes` is exact.
void append_line(std::string& out, const QuarantineEntry& entry);
/// The same, as a string of its own.
std::string to_line(const QuarantineEntry& entry);

/// Reads a line back (without its LF). Unknown members are passed over, so that later versions may add some; all
/// others but `sink`, `detail` and `flags` must be there. The error says what is wrong with the line.
Result<QuarantineEntry> parse_quarantine_line(std::string_view line);

}  // namespace penstock
