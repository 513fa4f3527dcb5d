#pragma once

#include <vector>

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
/// - flags: `truncated`, `partial`, `unparsed`.
/// - the fields of the event, where the listener's protocol makes one of the record (see EventShape, write_json_fields).
///   Where one of them is no UTF-8, `raw_base64` follows: the record's exact bytes, as received.
/// - else message: the record as text. Where its bytes are no UTF-8, U+FFFD stands for what is none, and `message_base64`
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
  bool append_event(const Event& event, const FrameRef& frame, std::string_view head,
                    EncodeBuffer& out) const;
  static bool append_record(const Batch& batch, const FrameRef& frame, std::string_view head,
                            EncodeBuffer& out);
  std::size_t event_bytes(const Event& event, const FrameRef& frame, std::string_view head) const;

  mutable std::vector<char> scratch_;  // what is written only to be measured
  mutable JsonHead head_;              // its memory changes what a head costs, never what it is
};

}  // namespace penstock
