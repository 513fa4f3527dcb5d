#pragma once

#include <memory>
#include <string_view>

#include "protocols/framed/send_framing.h"
#include "server/config/config.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// Records in the sink's encoding, without the LF that ends them in a file, framed for a receiver. A record that the framing
/// cannot carry (a LF inside with newline framing, one too long for its length field) has no form, as have those that the
/// encoding has none for: neither breaks the stream. The sink's thread only.
class FramedEncoder final : public Encoder {
 public:
  /// In messages nothing stands before or behind the record.
  FramedEncoder(const config::Sink& sink, Carrier carrier);

  bool keeps_lines() const noexcept override { return keeps_lines_; }
  bool encodes(const Batch& batch, std::size_t frame) const override;
  std::string_view why_not(const Batch& batch, std::size_t frame) const override {
    return inner_->why_not(batch, frame);
  }
  bool encodes_all() const noexcept override { return carries_all_ && inner_->encodes_all(); }
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const override;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const override;

 private:
  std::string_view record(const Batch& batch, const Segment& segment, std::size_t frame) const;
  bool carries(std::string_view record) const;

  const std::unique_ptr<Encoder> inner_;
  const FrameForm form_;
  const Carrier carrier_;
  const bool plain_;        // the frame's bytes are the record
  const bool ends_in_lf_;   // what inner_ makes
  const bool carries_all_;  // whatever the record
  const bool keeps_lines_;
  mutable EncodeBuffer scratch_;
};

}  // namespace penstock
