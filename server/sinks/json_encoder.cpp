#include "server/sinks/json_encoder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "server/pipeline/base64.h"
#include "server/sinks/json_fields.h"
#include "server/sinks/json_text.h"

namespace penstock {
namespace {

/// The rest of the array, by FrameFlag bits.
constexpr std::array<std::string_view, 8> kFlags = {"]",
                                                    R"("truncated"])",
                                                    R"("partial"])",
                                                    R"("truncated","partial"])",
                                                    R"("unparsed"])",
                                                    R"("truncated","unparsed"])",
                                                    R"("partial","unparsed"])",
                                                    R"("truncated","partial","unparsed"])"};
constexpr std::size_t kMostFlagsBytes = 34;
static_assert(kFlags.back().size() <= kMostFlagsBytes);
constexpr unsigned kShownFlags = kFrameTruncated | kFramePartial | kFrameUnparsed;
static_assert(kShownFlags == kFlags.size() - 1);

constexpr std::string_view kMessage = R"(,"message":")";
constexpr std::string_view kEnd = "\"}\n";
constexpr std::string_view kBase64 = R"(","message_base64":")";
constexpr std::string_view kRaw = R"(,"raw_base64":")";

std::string_view flags_of(const FrameRef& frame) noexcept {
  return kFlags[frame.flags & kShownFlags];
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
  return head.size() + kMostFlagsBytes + kMessage.size() + most_json_text_bytes(record) +
         base64_member_bytes(record) + kEnd.size();
}

std::size_t exact_bytes(std::string_view head, const FrameRef& frame, std::string_view record) {
  const JsonTextSize text = json_text_size(record);
  return head.size() + flags_of(frame).size() + kMessage.size() + text.bytes +
         (text.utf8 ? 0 : base64_member_bytes(record.size())) + kEnd.size();
}

/// Whatever is in the event, and what write_json_text may overwrite.
std::size_t most_bytes(std::string_view head, const Event& event) noexcept {
  return head.size() + kMostFlagsBytes + most_json_fields_bytes(event) + kRaw.size() +
         base64_size(event.frame().size()) + kEnd.size();
}

/// Gives the end; most_bytes() fit.
char* write_event(std::string_view head, const FrameRef& frame, const Event& event, char* to) {
  to = append(flags_of(frame), append(head, to));
  const JsonTextEnd fields = write_json_fields(event, to);
  if (fields.utf8) return append(kEnd.substr(1), fields.end);
  return append(kEnd, base64_write(event.frame(), append(kRaw, fields.end)));
}

}  // namespace

std::size_t JsonEncoder::event_bytes(const Event& event, const FrameRef& frame,
                                     std::string_view head) const {
  scratch_.resize(std::max(scratch_.size(), most_bytes(head, event)));
  const char* end = write_event(head, frame, event, scratch_.data());
  return static_cast<std::size_t>(end - scratch_.data());
}

std::size_t JsonEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                       std::size_t frame) const {
  const FrameRef& ref = batch.frames[frame];
  const std::string_view head = head_.of(segment);
  if (const auto event = batch.event(frame)) return event_bytes(*event, ref, head);
  return exact_bytes(head, ref, batch.bytes(ref));
}

std::size_t JsonEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                std::size_t last, EncodeBuffer& out) const {
  const std::string_view head = head_.of(segment);
  for (std::size_t at = first; at < last; ++at) {
    const auto event = batch.event(at);
    if (!(event ? append_event(*event, batch.frames[at], head, out)
                : append_record(batch, batch.frames[at], head, out)))
      return at;
  }
  return last;
}

/// False: no room. What needs much, and the last ones that go into a buffer, are measured: most become hardly longer than
/// they are.
bool JsonEncoder::append_event(const Event& event, const FrameRef& frame, std::string_view head,
                               EncodeBuffer& out) const {
  std::size_t room = most_bytes(head, event);
  if (room <= out.room()) {
    if (!out.make_room(room)) return false;
    out.advance_to(write_event(head, frame, event, out.end()));
    return true;
  }
  room = event_bytes(event, frame, head);
  if (!out.make_room(room)) return false;
  out.advance_to(append({scratch_.data(), room}, out.end()));
  return true;
}

bool JsonEncoder::append_record(const Batch& batch, const FrameRef& frame, std::string_view head,
                                EncodeBuffer& out) {
  const std::string_view record = batch.bytes(frame);
  std::size_t room = most_bytes(head, record.size()) + kJsonTextSlack;
  if (room > out.room()) room = exact_bytes(head, frame, record) + kJsonTextSlack;
  if (!out.make_room(room)) return false;
  char* to = append(kMessage, append(flags_of(frame), append(head, out.end())));
  const JsonTextEnd text = write_json_text(record, to);
  to = text.utf8 ? text.end : base64_write(record, append(kBase64, text.end));
  out.advance_to(append(kEnd, to));
  return true;
}

}  // namespace penstock
