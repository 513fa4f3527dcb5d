#pragma once

#include <memory>
#include <string_view>

#include "protocols/core/batch.h"
#include "server/config/config.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// What a record is as a message of its own: in the sink's encoding, without a line's end. One thread.
class MessageValue {
 public:
  explicit MessageValue(const config::Sink& config);

  const Encoder& encoder() const noexcept { return *encoder_; }

  /// Of a frame that the encoder encodes. Lives until the next call, or as long as the batch.
  std::string_view of(const Batch& batch, const Segment& segment, std::size_t frame);

 private:
  const std::unique_ptr<Encoder> encoder_;
  const bool raw_;  // frames go out as they lie
  const bool
      ends_in_newline_;  // each encoded record has a LF that belongs to lines, not to messages
  EncodeBuffer buffer_;
};

}  // namespace penstock
