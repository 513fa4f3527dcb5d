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

/// Fields that can be written, and tags; 0 where there is no such field.
std::size_t count_entries(const Event& event) {
  std::size_t fields = 0;
  visit_values(
      event, [&](const FieldEntry& field) { fields += has_form(field) ? 1 : 0; },
      [&](const FieldValue& value) { fields += has_form(value) ? 1 : 0; });
  std::size_t tags = 0;
  visit_map(event, Field::kTags, [&](const FieldEntry&) { ++tags; });
  return fields == 0 ? 0 : fields + tags;
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

void append_tags(std::string& out, const Event& event) {
  influx::Tags tags(out);
  visit_map(event, Field::kTags, [&](const FieldEntry& tag) { tags.append(tag.name, tag.value); });
  if (const auto kind = event.find(Field::kKind)) tags.append("metric_type", *kind);
  tags.finish();
}

void append_fields(std::string& out, const Event& event) {
  const auto value = event.find(Field::kValue);
  const bool several = value && value->type == FieldType::kArray;
  Fields fields(out);
  std::size_t number = 0;
  visit_values(
      event,
      [&](const FieldEntry& field) { fields.append(field.name, field.value, Integers::kTyped); },
      [&](const FieldValue& one) {
        fields.append(several ? "value_" + std::to_string(number++) : "value", one,
                      Integers::kAsFloats);
      });
}

}  // namespace

std::size_t InfluxEncoder::most_bytes(const Batch& batch, std::size_t frame) const {
  constexpr std::size_t kMostOwnBytes =
      64;  // of an entry: number, a name such as `value_7`, delimiters
  const auto event = batch.event(frame);
  if (!event || !is_measurement(point_name(*event))) return 0;
  const std::size_t entries = count_entries(*event);
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
  influx::append_name(out, influx::writable(point_name(*event)), influx::kMeasurementSpecial);
  append_tags(out, *event);
  append_fields(out, *event);
  out += ' ';
  append_number(out, event_time_ns(*event, distinct_time_ns(segment, frame)));
  out += '\n';
}

}  // namespace penstock
