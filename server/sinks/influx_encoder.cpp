#include "server/sinks/influx_encoder.h"

#include <cmath>

#include "protocols/core/scanner.h"
#include "server/sinks/influx_walk.h"
#include "server/sinks/metric_point.h"

namespace penstock {
namespace {

/// Bytes of `special` get a backslash in front.
void append_escaped(std::string& out, std::string_view text, std::string_view special) {
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

/// What can be written of a measurement, a key or a tag's value: a backslash at its end would escape the delimiter behind
/// it, and nothing escapes a backslash there.
std::string_view writable(std::string_view name) noexcept {
  while (name.ends_with('\\')) name.remove_suffix(1);
  return name;
}

/// Of a writable() name; an LF would end the line, it becomes `\n`.
void append_name(std::string& out, std::string_view name, std::string_view special) {
  for (std::size_t end = 0; (end = name.find('\n')) != std::string_view::npos;
       name.remove_prefix(end + 1)) {
    append_escaped(out, name.substr(0, end), special);
    out += "\\n";
  }
  append_escaped(out, name, special);
}

constexpr std::string_view kMeasurementSpecial = ", ";
constexpr std::string_view kKeySpecial = ",= ";
constexpr std::string_view kStringSpecial = "\"\\";

bool has_form(const FieldValue& value) noexcept {
  switch (value.type) {
    case FieldType::kBool:
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kString:
    case FieldType::kNumber: return true;
    case FieldType::kDouble: return std::isfinite(value.real);
    default: return false;
  }
}

bool has_form(const FieldEntry& field) noexcept {
  return !writable(field.name).empty() && has_form(field.value);
}

/// A point with a field that can be written.
bool has_form(const Event& event) {
  if (writable(point_name(event)).empty()) return false;
  bool any = false;
  visit_values(
      event, [&](const FieldEntry& field) { any = any || has_form(field); },
      [&](const FieldValue& value) { any = any || has_form(value); });
  return any;
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
    case FieldType::kString:
      out += '"';
      append_escaped(out, value.text, kStringSpecial);
      out += '"';
      return;
    default: append_numeric(out, value); return;
  }
}

/// Writes a point's fields one behind the other.
class Fields {
 public:
  explicit Fields(std::string& out) noexcept : out_(out) {}

  void append(std::string_view name, const FieldValue& value, Integers integers) {
    name = writable(name);
    if (name.empty() || !has_form(value)) return;
    out_ += before_;
    before_ = ',';
    append_name(out_, name, kKeySpecial);
    out_ += '=';
    append_field_value(out_, value, integers);
  }

 private:
  std::string& out_;
  char before_ = ' ';
};

void append_tag(std::string& out, std::string_view name, const FieldValue& value) {
  name = writable(name);
  if (name.empty()) return;
  const std::size_t begin = out.size();
  out += ',';
  append_name(out, name, kKeySpecial);
  out += '=';
  const std::size_t at = out.size();
  if (value.type == FieldType::kString)
    append_name(out, writable(value.text), kKeySpecial);
  else if (value.type == FieldType::kBool)
    out += value.boolean ? "true" : "false";
  else
    append_numeric(out, value);
  if (out.size() == at) out.resize(begin);
}

void append_tags(std::string& out, const Event& event) {
  visit_map(event, Field::kTags,
            [&](const FieldEntry& tag) { append_tag(out, tag.name, tag.value); });
  if (const auto kind = event.find(Field::kKind)) append_tag(out, "metric_type", *kind);
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

bool InfluxEncoder::encodes(const Batch& batch, std::size_t frame) const {
  const auto event = batch.event(frame);
  return event && has_form(*event);
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
  if (!event || !has_form(*event)) return;
  append_name(out, writable(point_name(*event)), kMeasurementSpecial);
  append_tags(out, *event);
  append_fields(out, *event);
  out += ' ';
  append_number(out, event_time_ns(*event, distinct_time_ns(segment, frame)));
  out += '\n';
}

}  // namespace penstock
