#include "server/sinks/influx_encoder.h"

#include <cmath>

#include "protocols/core/decimal.h"
#include "protocols/core/scanner.h"
#include "server/sinks/influx_text.h"
#include "server/sinks/influx_walk.h"
#include "server/sinks/metric_point.h"

namespace penstock {
namespace {

bool has_form(const FieldValue& value) noexcept {
  switch (value.type) {
    case FieldType::kBool:
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kString: return true;
    case FieldType::kNumber: {
      Decimal number;
      return parse_decimal(value.text, number);
    }
    case FieldType::kDouble: return std::isfinite(value.real);
    default: return false;
  }
}

bool has_form(const FieldEntry& field) noexcept {
  return !influx::writable(field.name).empty() && has_form(field.value);
}

/// Not where a line with it would be a comment, which nothing escapes.
bool is_measurement(std::string_view name) noexcept {
  return !influx::writable(name).empty() && !name.starts_with('#');
}

/// Of those that are no tags. An array is written as one text.
bool is_field(const FieldEntry& other) noexcept {
  return !is_tag(other) && (has_form(other.value) || other.value.type == FieldType::kArray);
}

/// Fields that can be written, tags, and numbers in arrays; 0 where there is no such field. What else the event has is none
/// beside values of which none can be written.
std::size_t count_entries(const Event& event, const MetricPoint& point) {
  std::size_t fields = 0, others = 0, other_fields = 0, tags = 0;
  visit_values(
      point, [&](const FieldEntry& field) { fields += has_form(field) ? 1 : 0; },
      [&](const FieldValue& value) { fields += has_form(value) ? 1 : 0; });
  visit_entries(point.tags, [&](const FieldEntry&) { ++tags; });
  visit_others(event, point, [&](const FieldEntry& other) {
    ++others;
    visit_children(other.value, [&](const FieldEntry&) { ++others; });
    other_fields += is_field(other) ? 1 : 0;
  });
  const bool any = point.has_values ? fields != 0 : other_fields != 0;
  return any ? fields + tags + others : 0;
}

enum class Integers { kTyped, kAsFloats };

/// Of a value that has a form.
void append_field_value(std::string& out, const FieldValue& value, Integers integers) {
  const bool integer = value.type == FieldType::kInt64 || value.type == FieldType::kUint64;
  if (integer && integers == Integers::kAsFloats) {
    append_numeric(out, value);
    return;
  }
  switch (value.type) {
    case FieldType::kBool: out += value.boolean ? "true" : "false"; return;
    case FieldType::kInt64:
      append_number(out, value.integer);
      out += 'i';
      return;
    case FieldType::kUint64:
      append_number(out, value.unsigned_integer);
      out += 'u';
      return;
    case FieldType::kString: influx::append_text(out, value.text); return;
    default: append_numeric(out, value); return;
  }
}

/// Writes a point's fields one behind the other.
class Fields {
 public:
  explicit Fields(std::string& out) noexcept : out_(out) {}

  void append(std::string_view name, const FieldValue& value, Integers integers) {
    name = influx::writable(name);
    if (name.empty() || !has_form(value)) return;
    out_ += before_;
    before_ = ',';
    influx::append_name(out_, name, influx::kKeySpecial);
    out_ += '=';
    append_field_value(out_, value, integers);
  }

 private:
  std::string& out_;
  char before_ = ' ';
};

FieldValue text_value(std::string_view text) noexcept {
  FieldValue value;
  value.type = FieldType::kString;
  value.text = text;
  return value;
}

/// `a,b`, of an array of texts and numbers.
std::string joined(const FieldValue& array) {
  std::string text;
  visit_children(array, [&](const FieldEntry& one) {
    if (!text.empty()) text += ',';
    if (one.value.type == FieldType::kString)
      text += one.value.text;
    else
      append_numeric(text, one.value);
  });
  return text;
}

/// Free among tags and fields: a database may not have one of each with the same name.
std::string influx_name(const MetricPoint& point, const FieldEntry& other) {
  return free_name(other, [&](std::string_view name) {
    bool taken = false;
    const auto compare = [&](const FieldEntry& sent) {
      taken = taken || influx::writable(sent.name) == name;
    };
    visit_entries(point.tags, compare);
    visit_entries(point.fields, compare);
    return taken;
  });
}

void append_tags(std::string& out, const Event& event, const MetricPoint& point) {
  influx::Tags tags(out);
  visit_entries(point.tags, [&](const FieldEntry& tag) { tags.append(tag.name, tag.value); });
  visit_others(event, point, [&](const FieldEntry& other) {
    if (is_tag(other)) tags.append(influx_name(point, other), other.value);
  });
  if (!point.kind.empty()) tags.append("metric_type", text_value(point.kind));
  tags.finish();
}

void append_fields(std::string& out, const Event& event, const MetricPoint& point) {
  const bool several = point.value && point.value->type == FieldType::kArray;
  Fields fields(out);
  std::size_t number = 0;
  visit_values(
      point,
      [&](const FieldEntry& field) { fields.append(field.name, field.value, Integers::kTyped); },
      [&](const FieldValue& one) {
        fields.append(several ? "value_" + std::to_string(number++) : "value", one,
                      Integers::kAsFloats);
      });
  visit_others(event, point, [&](const FieldEntry& other) {
    if (!is_field(other)) return;
    const std::string name = influx_name(point, other);
    if (has_form(other.value)) return fields.append(name, other.value, Integers::kTyped);
    fields.append(name, text_value(joined(other.value)), Integers::kTyped);
  });
}

}  // namespace

std::size_t InfluxEncoder::most_bytes(const Batch& batch, std::size_t frame) const {
  // Of an entry: number, a name such as `value_7`, delimiters. A longer free_name() makes no text three times as long: each
  // name that it has to differ from is one of the event, and is written as it is.
  constexpr std::size_t kMostOwnBytes = 64;
  const auto event = batch.event(frame);
  if (!event) return 0;
  const MetricPoint point = metric_point(*event, 0);
  if (!is_measurement(point.name)) return 0;
  const std::size_t entries = count_entries(*event, point);
  if (entries == 0) return 0;
  return influx::most_text_bytes(event->text_bytes()) + (entries + 1) * kMostOwnBytes;
}

bool InfluxEncoder::ends_whole(std::string_view end) const noexcept {
  if (!end.ends_with('\n')) return false;
  end.remove_suffix(1);
  const std::size_t behind_time = end.size();
  while (!end.empty() && Scanner::is_digit(end.back())) end.remove_suffix(1);
  const bool has_digits = end.size() != behind_time;
  if (end.ends_with('-')) end.remove_suffix(1);
  return has_digits && end.ends_with(' ');
}

std::unique_ptr<RecordWalk> InfluxEncoder::walk() const { return std::make_unique<InfluxWalk>(); }

void InfluxEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                          std::string& out) const {
  const auto event = batch.event(frame);
  const MetricPoint point = metric_point(*event, distinct_time_ns(segment, frame));
  influx::append_name(out, influx::writable(point.name), influx::kMeasurementSpecial);
  append_tags(out, *event, point);
  append_fields(out, *event, point);
  out += ' ';
  append_number(out, point.time_ns);
  out += '\n';
}

}  // namespace penstock
