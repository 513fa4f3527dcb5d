#include "server/sinks/syslog_encoder.h"

#include <array>

#include "protocols/core/utc_text.h"
#include "server/sinks/metric_point.h"

namespace penstock {
namespace {

constexpr std::uint64_t kUser = 1, kNotice = 5, kMostFacility = 23, kMostSeverity = 7,
                        kSeverities = 8;
constexpr std::string_view kNotInNames = "=]\"";
constexpr std::size_t kHostBytes = 255, kAppBytes = 48, kProcidBytes = 128, kMsgidBytes = 32,
                      kNameBytes = 32;

std::string_view text_of(const Event& event, Field field) noexcept {
  const auto value = event.find(field);
  return value && value->type == FieldType::kString ? value->text : std::string_view();
}

std::uint64_t number_of(const Event& event, Field field, std::uint64_t most,
                        std::uint64_t otherwise) noexcept {
  const auto value = event.find(field);
  if (!value || (value->type != FieldType::kUint64 && value->type != FieldType::kInt64))
    return otherwise;
  return value->unsigned_integer <= most ? value->unsigned_integer : otherwise;
}

/// PRINTUSASCII of at most `most` bytes and a blank; nil where there is none.
void append_name(std::string& out, std::string_view text, std::size_t most,
                 std::string_view special = {}) {
  if (text.empty()) out += '-';
  for (const char c : text.substr(0, most)) {
    const bool good = c > ' ' && c < '\x7f' && special.find(c) == std::string_view::npos;
    out += good ? c : '_';
  }
}

void append_time(std::string& out, std::int64_t time_ns) {
  constexpr std::size_t kToMicroseconds = 26;  // the RFC has six digits at most
  std::array<char, kUtcTextBytes> text{};
  write_utc(time_ns, text.data());
  out.append(text.data(), kToMicroseconds) += 'Z';
}

void append_octal(std::string& out, unsigned char byte) {
  out += '#';
  for (const unsigned shift : {6u, 3u, 0u}) out += static_cast<char>('0' + ((byte >> shift) & 7u));
}

void append_field_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f)
      append_octal(out, byte);
    else
      out += c;
  }
}

void append_param(std::string& out, std::string_view name, const FieldValue& value) {
  constexpr std::string_view kEscaped = "\"\\]";
  out += ' ';
  append_name(out, name, kNameBytes, kNotInNames);
  out += "=\"";
  std::string plain;
  if (value.type == FieldType::kBool)
    plain = value.boolean ? "true" : "false";
  else if (value.type == FieldType::kTime)
    append_time(plain, value.integer);
  else if (!append_numeric(plain, value))
    append_field_text(plain, value.text);
  for (const char c : plain) {
    if (kEscaped.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  out += '"';
}

/// Nested ones under the name of what they are in.
void append_params(std::string& out, const std::string& prefix, FieldReader reader) {
  std::size_t element = 0;
  for (FieldEntry entry; reader.next(entry); ++element) {
    const bool named = !entry.name.empty();
    const std::string name = prefix + (named ? std::string(entry.name) : std::to_string(element));
    if (entry.value.type == FieldType::kMap || entry.value.type == FieldType::kArray)
      append_params(out, name + '.', entry.value.children);
    else
      append_param(out, name, entry.value);
  }
}

/// An array of texts is one parameter several times.
void append_element_params(std::string& out, FieldReader reader) {
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.value.type != FieldType::kArray) {
      append_param(out, entry.name, entry.value);
      continue;
    }
    FieldReader values = entry.value.children;
    for (FieldEntry value; values.next(value);) append_param(out, entry.name, value.value);
  }
}

void append_structured_data(std::string& out, const Event& event) {
  const std::size_t begin = out.size();
  visit_map(event, Field::kStructuredData, [&](const FieldEntry& element) {
    out += '[';
    append_name(out, element.name, kNameBytes, kNotInNames);
    append_element_params(out, element.value.children);
    out += ']';
  });
  if (const auto fields = event.find(Field::kFields); fields && fields->type == FieldType::kMap) {
    out += "[fields@32473";
    append_params(out, {}, fields->children);
    out += ']';
  }
  if (out.size() == begin) out += '-';
}

void append_head(std::string& out, std::uint64_t facility, std::uint64_t severity,
                 std::int64_t time_ns) {
  out += '<';
  append_number(out, facility * kSeverities + severity);
  out += ">1 ";
  append_time(out, time_ns);
  out += ' ';
}

void append_event(std::string& out, const Event& event, const Segment& segment) {
  append_head(out, number_of(event, Field::kFacility, kMostFacility, kUser),
              number_of(event, Field::kSeverity, kMostSeverity, kNotice),
              event_time_ns(event, segment.time_ns));
  const std::string_view host = text_of(event, Field::kHost);
  const std::string_view app = text_of(event, Field::kApp);
  append_name(out, host.empty() ? address_text(segment.peer) : std::string(host), kHostBytes);
  append_name(out += ' ', app.empty() ? text_of(event, Field::kTag) : app, kAppBytes);
  append_name(out += ' ', text_of(event, Field::kProcid), kProcidBytes);
  append_name(out += ' ', text_of(event, Field::kMsgid), kMsgidBytes);
  append_structured_data(out += ' ', event);
  if (const std::string_view text = text_of(event, Field::kMessage); !text.empty())
    append_field_text(out += ' ', text);
}

void append_record(std::string& out, std::string_view record, const Segment& segment) {
  append_head(out, kUser, kNotice, segment.time_ns);
  append_name(out, address_text(segment.peer), kHostBytes);
  out += " - - - - ";
  append_field_text(out, record);
}

}  // namespace

bool SyslogEncoder::encodes(const Batch& batch, std::size_t frame) const {
  const auto event = batch.event(frame);
  return !event || event->shape() == EventShape::kLog;
}

void SyslogEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                          std::string& out) const {
  if (!encodes(batch, frame)) return;
  if (const auto event = batch.event(frame))
    append_event(out, *event, segment);
  else
    append_record(out, batch.bytes(batch.frames[frame]), segment);
  out += '\n';
}

}  // namespace penstock
