#include "server/sinks/syslog_encoder.h"

#include "server/sinks/metric_point.h"
#include "server/sinks/syslog_params.h"

namespace penstock {
namespace {

constexpr std::uint64_t kUser = 1, kNotice = 5, kSeverities = 8;
constexpr std::size_t kHostBytes = 255, kAppBytes = 48, kProcidBytes = 128, kMsgidBytes = 32;

std::string_view text_of(const std::optional<FieldValue>& value) noexcept {
  return value && value->type == FieldType::kString ? value->text : std::string_view();
}

std::string_view text_of(const Event& event, Field field) noexcept {
  return text_of(event.find(field));
}

std::uint64_t number_of(const Event& event, Field field, std::uint64_t most,
                        std::uint64_t otherwise) noexcept {
  const auto value = event.find(field);
  return value && syslog_text::is_priority_part(*value, most) ? value->unsigned_integer : otherwise;
}

void append_head(std::string& out, std::uint64_t facility, std::uint64_t severity,
                 std::int64_t time_ns) {
  out += '<';
  append_number(out, facility * kSeverities + severity);
  out += ">1 ";
  syslog_text::append_time(out, time_ns);
  out += ' ';
}

std::string_view full_message_of(const Event& event) noexcept {
  FieldReader reader = event.fields();
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.name == syslog_text::kFullMessage) return text_of(entry.value);
  }
  return {};
}

/// As it is in the event.
bool stands_whole(std::string_view name, std::size_t most) {
  std::string written;
  syslog_text::append_name(written, name, most);
  return written == name;
}

void append_event(std::string& out, const Event& event, const Segment& segment) {
  using syslog_text::append_name;
  append_head(out, number_of(event, Field::kFacility, syslog_text::kMostFacility, kUser),
              number_of(event, Field::kSeverity, syslog_text::kMostSeverity, kNotice),
              event_time_ns(event, segment.time_ns));
  const std::string_view host = text_of(event, Field::kHost);
  const std::string_view app = text_of(event, Field::kApp);
  const std::string_view tag = app.empty() ? text_of(event, Field::kTag) : std::string_view();
  const std::string_view message = text_of(event, Field::kMessage);
  const std::string_view full = message.empty() ? full_message_of(event) : std::string_view();
  append_name(out, host.empty() ? address_text(segment.peer) : std::string(host), kHostBytes);
  append_name(out += ' ', app.empty() ? tag : app, kAppBytes);
  append_name(out += ' ', text_of(event, Field::kProcid), kProcidBytes);
  append_name(out += ' ', text_of(event, Field::kMsgid), kMsgidBytes);
  syslog_text::append_structured_data(
      out += ' ', event, {.tag = stands_whole(tag, kAppBytes), .full_message = !full.empty()});
  if (const std::string_view text = message.empty() ? full : message; !text.empty())
    syslog_text::append_field_text(out += ' ', text);
}

void append_record(std::string& out, std::string_view record, const Segment& segment) {
  append_head(out, kUser, kNotice, segment.time_ns);
  syslog_text::append_name(out, address_text(segment.peer), kHostBytes);
  out += " - - - - ";
  syslog_text::append_field_text(out, record);
}

/// Entries of all maps and arrays.
std::size_t count_entries(FieldReader reader) noexcept {
  std::size_t entries = 0;
  for (FieldEntry entry; reader.next(entry); ++entries)
    entries += count_entries(entry.value.children);
  return entries;
}

}  // namespace

std::size_t SyslogEncoder::most_bytes(const Batch& batch, std::size_t frame) const {
  constexpr std::size_t kMostHeadBytes = 1024;
  constexpr std::size_t kMostOwnBytes = 64;   // of an entry: name, number or time, delimiters
  constexpr std::size_t kLeastFormBytes = 2;  // of an entry: it need not be counted to know a bound
  const auto event = batch.event(frame);
  if (event && event->shape() != EventShape::kLog) return 0;
  const std::size_t text_bytes = event ? event->text_bytes() : batch.frames[frame].size;
  const std::size_t most = kMostHeadBytes + 4 * text_bytes;  // `#ooo`
  if (!event) return most;
  const FieldReader fields = event->fields();
  const std::size_t rough = most + fields.form_bytes() / kLeastFormBytes * kMostOwnBytes;
  return rough <= longest_text(0) ? rough : most + count_entries(fields) * kMostOwnBytes;
}

void SyslogEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                          std::string& out) const {
  if (const auto event = batch.event(frame))
    append_event(out, *event, segment);
  else
    append_record(out, batch.bytes(batch.frames[frame]), segment);
  out += '\n';
}

}  // namespace penstock
