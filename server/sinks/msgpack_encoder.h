#pragma once

#include <string>

#include "server/sinks/encoder.h"

namespace penstock {

/// `encoding = "msgpack"`: one MessagePack map a record, one behind the other and nothing between them, with what
/// `encoding = "json"` has (see JsonEncoder), in the same order:
///
/// - time: of receipt, a timestamp (extension type -1 of the specification) with nanoseconds.
/// - listener, url: texts. peer: a map; port, pid, uid and gid are integers.
/// - flags: an array of texts.
/// - the event's fields: times are timestamps, integers and doubles keep their type, bytes are bin, maps and arrays nest. A
///   number that is none of these (JSON's larger than 64 bits) is its digits as a text. NaN and infinities are doubles.
/// - of a record without event: message.
///
/// A text or name that is no UTF-8 is bin, with the exact bytes: nothing is replaced, so nothing follows in base64.
/// Each value takes its shortest form. The sink's thread only.
class MsgpackEncoder final : public Encoder {
 public:
  bool keeps_lines() const noexcept override { return false; }
  bool ends_whole(std::string_view) const noexcept override { return false; }
  std::unique_ptr<RecordWalk> walk() const override;
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const override;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const override;

 private:
  std::string_view source_of(const Segment& segment) const;

  // What records of a segment share, and of which: runs of segments have one listener and peer.
  mutable std::string source_;  // empty: none yet
  mutable const Origin* origin_ = nullptr;
  mutable Peer peer_;
};

}  // namespace penstock
