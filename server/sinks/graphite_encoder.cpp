#include "server/sinks/graphite_encoder.h"

#include <chrono>
#include <cmath>

#include "server/sinks/metric_point.h"

namespace penstock {
namespace {

/// Every byte that would end the path, or what `special` has, is `_`.
void append_clean(std::string& out, std::string_view text, std::string_view special) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool bad = byte <= ' ' || byte == 0x7f || special.find(c) != std::string_view::npos;
    out += bad ? '_' : c;
  }
}

void append_path_tags(std::string& out, const Event& event) {
  visit_map(event, Field::kTags, [&](const FieldEntry& tag) {
    std::string value(tag.value.text);
    if (tag.value.type == FieldType::kBool) value = tag.value.boolean ? "true" : "false";
    if (value.empty()) append_numeric(value, tag.value);
    if (tag.name.empty() || value.empty()) return;
    out += ';';
    append_clean(out, tag.name, ";!^=");
    out += '=';
    append_clean(out, value, ";~");
  });
}

bool is_number(const FieldValue& value) noexcept {
  switch (value.type) {
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kNumber: return true;
    case FieldType::kDouble: return std::isfinite(value.real);
    default: return false;
  }
}

/// Of the time that the sender gives it; a second that has begun before 1970 has begun, too.
std::int64_t seconds_of(const Event& event, std::int64_t received_ns) noexcept {
  const std::chrono::nanoseconds time(event_time_ns(event, received_ns));
  return std::chrono::floor<std::chrono::seconds>(time).count();
}

/// Of the name and tags of each line, with its second and what stands between.
std::size_t most_shared_bytes(const Event& event) {
  std::size_t bytes = point_name(event).size() + kMostNumberBytes + 3;
  visit_map(event, Field::kTags, [&](const FieldEntry& tag) {
    bytes += tag.name.size() + tag.value.text.size() + kMostNumberBytes + 2;
  });
  return bytes;
}

/// Of a point's lines; 0 where it has no number.
std::size_t most_line_bytes(const Event& event) {
  const std::size_t shared = most_shared_bytes(event);
  std::size_t bytes = 0;
  const auto add = [&](std::string_view field, const FieldValue& value) {
    if (is_number(value)) bytes += shared + field.size() + 1 + value.text.size() + kMostNumberBytes;
  };
  visit_values(
      event, [&](const FieldEntry& field) { add(field.name, field.value); },
      [&](const FieldValue& value) { add({}, value); });
  return bytes;
}

/// Writes a point's lines, which share all but path and number.
class Lines {
 public:
  Lines(const Event& event, std::int64_t received_ns, std::string& out)
      : out_(out), name_(point_name(event)), seconds_(seconds_of(event, received_ns)) {
    append_path_tags(tags_, event);
  }

  void line(std::string_view field, const FieldValue& value) {
    if (!is_number(value)) return;
    append_clean(out_, name_, ";");
    if (!field.empty()) {
      out_ += '.';
      append_clean(out_, field, ";");
    }
    out_ += tags_;
    out_ += ' ';
    append_numeric(out_, value);
    out_ += ' ';
    append_number(out_, seconds_);
    out_ += '\n';
  }

 private:
  std::string& out_;
  const std::string_view name_;
  std::string tags_;
  const std::int64_t seconds_;
};

}  // namespace

std::size_t GraphiteEncoder::most_bytes(const Batch& batch, std::size_t frame) const {
  constexpr std::int64_t kNow = -1;  // to carbon: the time at which it reads the line
  const auto event = batch.event(frame);
  if (!event || point_name(*event).empty() || seconds_of(*event, 0) == kNow) return 0;
  return most_line_bytes(*event);
}

void GraphiteEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                            std::string& out) const {
  const auto event = batch.event(frame);
  Lines lines(*event, segment.time_ns, out);
  visit_values(
      *event, [&](const FieldEntry& field) { lines.line(field.name, field.value); },
      [&](const FieldValue& value) { lines.line({}, value); });
}

}  // namespace penstock
