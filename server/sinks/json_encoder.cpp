#include "server/sinks/json_encoder.h"

#include <array>
#include <cstring>

#include "server/pipeline/base64.h"
#include "server/sinks/json_text.h"

namespace penstock {
namespace {

/// From the flags to the message, by FrameFlag bits.
constexpr std::array<std::string_view, 4> kFlags = {
    R"(],"message":")", R"("truncated"],"message":")", R"("partial"],"message":")",
    R"("truncated","partial"],"message":")"};
static_assert(kFrameTruncated == 1 && kFramePartial == 2);

constexpr std::string_view kEnd = "\"}\n";
constexpr std::string_view kBase64 = R"(","message_base64":")";

std::string_view flags_of(const FrameRef& frame) noexcept {
  return kFlags[frame.flags & (kFrameTruncated | kFramePartial)];
}

char* append(std::string_view text, char* out) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

std::size_t base64_member_bytes(std::size_t record) noexcept {
  return kBase64.size() + base64_size(record);
}

/// Whatever is in the record: for the price of an addition.
std::size_t most_bytes(std::string_view head, std::size_t record) noexcept {
  return head.size() + kFlags[3].size() + most_json_text_bytes(record) +
         base64_member_bytes(record) + kEnd.size();
}

std::size_t exact_bytes(std::string_view head, const FrameRef& frame, std::string_view record) {
  const JsonTextSize text = json_text_size(record);
  return head.size() + flags_of(frame).size() + text.bytes +
         (text.utf8 ? 0 : base64_member_bytes(record.size())) + kEnd.size();
}

}  // namespace

std::size_t JsonEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                       std::size_t frame) const {
  const FrameRef& ref = batch.frames[frame];
  return exact_bytes(head_.of(segment), ref, batch.bytes(ref));
}

std::size_t JsonEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                std::size_t last, EncodeBuffer& out) const {
  const std::string_view head = head_.of(segment);
  for (std::size_t at = first; at < last; ++at) {
    const FrameRef& frame = batch.frames[at];
    const std::string_view record = batch.bytes(frame);
    std::size_t room = most_bytes(head, record.size()) + kJsonTextSlack;
    // Long records, and the last ones that go into a buffer, are measured: most become hardly longer than they are.
    if (room > out.room()) room = exact_bytes(head, frame, record) + kJsonTextSlack;
    if (!out.make_room(room)) return at;
    char* to = append(flags_of(frame), append(head, out.end()));
    const JsonTextEnd text = write_json_text(record, to);
    to = text.utf8 ? text.end : base64_write(record, append(kBase64, text.end));
    out.advance_to(append(kEnd, to));
  }
  return last;
}

}  // namespace penstock
