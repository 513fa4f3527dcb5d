#include "server/sinks/graphite_encoder.h"

#include <cmath>

#include "protocols/core/timestamp.h"
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

/// A point with a number that can be written.
bool has_number(const Event& event) {
  if (point_name(event).empty()) return false;
  bool any = false;
  const auto look = [&](const FieldValue& value) { any = any || is_number(value); };
  visit_values(
      event, [&](const FieldEntry& field) { look(field.value); }, look);
  return any;
}

/// Writes a point's lines, which share all but path and number.
class Lines {
 public:
  Lines(const Event& event, std::int64_t received_ns, std::string& out)
      : out_(out),
        name_(point_name(event)),
        seconds_(event_time_ns(event, received_ns) / kNanosPerSecond) {
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

bool GraphiteEncoder::encodes(const Batch& batch, std::size_t frame) const {
  const auto event = batch.event(frame);
  return event && has_number(*event);
}

void GraphiteEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                            std::string& out) const {
  const auto event = batch.event(frame);
  if (!event || !has_number(*event)) return;
  Lines lines(*event, segment.time_ns, out);
  visit_values(
      *event, [&](const FieldEntry& field) { lines.line(field.name, field.value); },
      [&](const FieldValue& value) { lines.line({}, value); });
}

}  // namespace penstock
