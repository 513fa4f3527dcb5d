#pragma once

#include "server/sinks/encoder.h"
#include "server/sinks/json_head.h"

namespace penstock {

/// `encoding = "json"`: one object a line, its members always in this order:
///
///     {"time":"2026-11-25T02:15:18.123456789Z","listener":"syslog","url":"udp://127.0.0.1:5514",
///      "peer":{"address":"192.0.2.1","port":40001},"flags":[],"message":"..."}
///
/// - time: of receipt, in UTC, always with nine digits of fraction.
/// - peer: `address` (IPv4-mapped as IPv4, a zone behind `%`) and `port`; or of unix senders `pid`, `uid`, `gid` and
///   `command`, where they are known; or nothing.
/// - flags: `truncated`, `partial`.
/// - message: the record as text. Where its bytes are no UTF-8, U+FFFD stands for what is none, and `message_base64`
///   follows with the exact bytes.
///
/// The output is UTF-8 whatever came in, and a line holds no other LF. The sink's thread only.
class JsonEncoder final : public Encoder {
 public:
  bool keeps_lines() const noexcept override { return false; }
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const override;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const override;

 private:
  mutable JsonHead head_;  // its memory changes what a head costs, never what it is
};

}  // namespace penstock
