#pragma once

#include "server/config/config.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// `encoding = "raw"`: the record's own bytes and one LF. Records that hold a LF themselves (datagrams, counted frames)
/// would break into several lines, so `newlines` says what becomes of it:
/// - escape: each LF becomes the two characters `\n`. A backslash is left as it is, as rsyslog leaves its `#`: nothing else
///   in the record changes, at the price that a `\n` the sender wrote itself looks the same.
/// - replace: each LF becomes a blank.
/// - keep: the record is written byte for byte.
/// With escape and replace one LF at the very end of a record is taken as its line's end and not doubled (rsyslog,
/// syslog-ng and haproxy send it inside the datagram).
class RawEncoder final : public Encoder {
 public:
  explicit RawEncoder(config::Newlines newlines) noexcept : newlines_(newlines) {}

  bool keeps_lines() const noexcept override { return true; }
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const override;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const override;

 private:
  config::Newlines newlines_;
};

}  // namespace penstock
