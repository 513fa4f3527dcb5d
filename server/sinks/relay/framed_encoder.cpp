#include "server/sinks/relay/framed_encoder.h"

#include <algorithm>
#include <string>

namespace penstock {
namespace {

bool is_plain(const config::Sink& sink) noexcept {
  return sink.encoding == config::Encoding::kRaw && sink.newlines == config::Newlines::kKeep;
}

/// No record has a LF inside.
bool makes_lines(const config::Sink& sink) noexcept {
  return sink.encoding != config::Encoding::kMsgpack && !is_plain(sink);
}

bool carries_any(const config::Sink& sink, const FrameForm& form, Carrier carrier) noexcept {
  constexpr std::uint8_t kBytesForAnyFrame = 4;  // frames have at most 16 MiB
  if (carrier == Carrier::kMessages) return true;
  switch (form.framing) {
    case SendFraming::kOctetCounted:
    case SendFraming::kSyslogAuto:
    case SendFraming::kVarint:
    case SendFraming::kNone: return true;
    case SendFraming::kLengthPrefixed: return form.length.bytes >= kBytesForAnyFrame;
    case SendFraming::kNewline:
    case SendFraming::kCrlf: return makes_lines(sink);
    case SendFraming::kJson: return sink.encoding == config::Encoding::kJson;
    case SendFraming::kNul:
    case SendFraming::kDelimiter:
    case SendFraming::kFixed: return false;
  }
  return false;
}

const Segment& segment_of(const Batch& batch, std::size_t frame) {
  const auto behind =
      std::upper_bound(batch.segments.begin(), batch.segments.end(), frame,
                       [](std::size_t at, const Segment& segment) { return at < segment.first; });
  return *std::prev(behind);
}

char* append_to(char* out, std::string_view bytes) noexcept {
  return std::copy(bytes.begin(), bytes.end(), out);
}

}  // namespace

FramedEncoder::FramedEncoder(const config::Sink& sink, Carrier carrier)
    : inner_(make_encoder(sink)),
      form_(carrier == Carrier::kStream ? sink.relay.form : FrameForm(SendFraming::kNone)),
      carrier_(carrier),
      plain_(is_plain(sink)),
      ends_in_lf_(sink.encoding != config::Encoding::kMsgpack),
      carries_all_(carries_any(sink, form_, carrier)),
      keeps_lines_(form_.framing == SendFraming::kNewline && inner_->keeps_lines()) {}

std::string_view FramedEncoder::record(const Batch& batch, const Segment& segment,
                                       std::size_t frame) const {
  if (plain_) return batch.bytes(batch.frames[frame]);
  scratch_.clear();
  inner_->encode(batch, segment, frame, frame + 1, scratch_);
  return {scratch_.data(), scratch_.size() - (ends_in_lf_ ? 1 : 0)};
}

bool FramedEncoder::carries(std::string_view record) const {
  return carries_all_ || can_carry(form_, carrier_, record);
}

bool FramedEncoder::encodes(const Batch& batch, std::size_t frame) const {
  if (!inner_->encodes(batch, frame)) return false;
  return carries_all_ || carries(record(batch, segment_of(batch, frame), frame));
}

std::size_t FramedEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                         std::size_t frame) const {
  if (!inner_->encodes(batch, frame)) return 0;
  const std::string_view bytes = record(batch, segment, frame);
  if (!carries(bytes)) return 0;
  const std::size_t counted = bytes.size() + frame_padding(form_, bytes).size();
  return frame_prefix(form_, counted).size() + counted + frame_suffix(form_).size();
}

std::size_t FramedEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                  std::size_t last, EncodeBuffer& out) const {
  const std::string_view suffix = frame_suffix(form_);
  for (std::size_t at = first; at < last; ++at) {
    if (!inner_->encodes(batch, at)) continue;
    const std::string_view bytes = record(batch, segment, at);
    if (!carries(bytes)) continue;
    const std::string_view padding = frame_padding(form_, bytes);
    const std::string prefix = frame_prefix(form_, bytes.size() + padding.size());
    const std::size_t size = prefix.size() + bytes.size() + padding.size() + suffix.size();
    if (!out.make_room(size)) return at;
    char* to = append_to(out.end(), prefix);
    to = append_to(to, bytes);
    to = append_to(to, padding);
    out.advance_to(append_to(to, suffix));
  }
  scratch_.shrink();
  return last;
}

}  // namespace penstock
