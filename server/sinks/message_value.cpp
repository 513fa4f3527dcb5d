#include "server/sinks/message_value.h"

namespace penstock {

MessageValue::MessageValue(const config::Sink& config)
    : encoder_(make_encoder(config)),
      raw_(config.encoding == config::Encoding::kRaw),
      ends_in_newline_(config.encoding != config::Encoding::kMsgpack) {}

std::string_view MessageValue::of(const Batch& batch, const Segment& segment, std::size_t frame) {
  if (raw_) return batch.bytes(batch.frames[frame]);
  buffer_.shrink();
  buffer_.clear();
  encoder_->encode(batch, segment, frame, frame + 1, buffer_);
  std::string_view value(buffer_.data(), buffer_.size());
  if (ends_in_newline_ && value.ends_with('\n')) value.remove_suffix(1);
  return value;
}

}  // namespace penstock
