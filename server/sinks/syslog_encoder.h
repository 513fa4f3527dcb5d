#pragma once

#include "server/sinks/text_encoder.h"

namespace penstock {

/// `encoding = "syslog"`: log records, and records without an event, as RFC 5424 messages, one a line:
///
///     <13>1 2026-11-25T02:15:18.123456Z web1 app 12 ID47 [origin ip="192.0.2.1"] text
///
/// What an event does not have is nil, except: facility user and severity notice (RFC 3164 section 4.3.3), the time of
/// receipt, as host the peer's address, as app the `tag`, and as text GELF's `full_message`. Texts are cut to the RFC's
/// lengths and what it does not allow in them becomes `_`. `fields` become the element `fields@32473` (the number of
/// examples, RFC 5612), nested ones as `a.b`, and beside them all other fields that stand nowhere else. A name of more than
/// 32 bytes is a hash of all of it in eight hexadecimal digits, `~` and its last 23 bytes: the same in each record, and another
/// for another name. Control bytes are `#ooo`, octal, as rsyslog writes them; binary values are base64, and U+FFFD stands for
/// what is no UTF-8 in a parameter (section 6.3.3). A message that is no UTF-8 has no byte order mark, and neither have others.
/// Metric points are not encoded.
class SyslogEncoder final : public TextEncoder {
 private:
  std::size_t most_bytes(const Batch& batch, std::size_t frame) const override;
  void write(const Batch& batch, const Segment& segment, std::size_t frame,
             std::string& out) const override;
};

}  // namespace penstock
