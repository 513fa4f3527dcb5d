#include "server/sinks/influx_encoder.h"

#include <cmath>

namespace penstock {
namespace {

/// Behind a backslash: the bytes that end a name; an LF, which ends the line, as `\n`. A backslash at the very end would
/// take the delimiter with it, so it gets a blank.
void append_escaped(std::string& out, std::string_view text, std::string_view special) {
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
}

constexpr std::string_view kMeasurementSpecial = ", ";
constexpr std::string_view kKeySpecial = ",= ";
constexpr std::string_view kStringSpecial = "\"\\";

/// Nothing where the value has no form.
bool append_field_value(std::string& out, const FieldValue& value) {
  switch (value.type) {
    case FieldType::kBool: out += value.boolean ? "true" : "false"; return true;
    case FieldType::kInt64:
      append_number(out, value.integer);
      out += 'i';
      return true;
    case FieldType::kUint64:
      append_number(out, value.unsigned_integer);
      out += 'u';
      return true;
    case FieldType::kDouble:
      if (!std::isfinite(value.real)) return false;
      append_number(out, value.real);
      return true;
    case FieldType::kString:
      out += '"';
      append_escaped(out, value.text, kStringSpecial);
      out += '"';
      return true;
    case FieldType::kNumber: out += value.text; return true;
    default: return false;
  }
}

void append_field(std::string& out, std::string_view name, const FieldValue& value, char& before) {
  if (name.empty()) return;
  const std::size_t begin = out.size();
  out += before;
  append_escaped(out, name, kKeySpecial);
  out += '=';
  if (append_field_value(out, value))
    before = ',';
  else
    out.resize(begin);
}

void append_tag(std::string& out, std::string_view name, const FieldValue& value) {
  if (name.empty()) return;
  const std::size_t begin = out.size();
  out += ',';
  append_escaped(out, name, kKeySpecial);
  out += '=';
  const std::size_t at = out.size();
  if (value.type == FieldType::kString)
    append_escaped(out, value.text, kKeySpecial);
  else if (value.type == FieldType::kBool)
    out += value.boolean ? "true" : "false";
  else
    append_numeric(out, value);
  if (out.size() == at) out.resize(begin);
}

void append_tags(std::string& out, const Event& event) {
  if (const auto tags = event.find(Field::kTags); tags && tags->type == FieldType::kMap) {
    FieldReader reader = tags->children;
    for (FieldEntry tag; reader.next(tag);) append_tag(out, tag.name, tag.value);
  }
  if (const auto kind = event.find(Field::kKind)) append_tag(out, "metric_type", *kind);
}

/// False: there was none.
bool append_fields(std::string& out, const Event& event) {
  char before = ' ';
  if (const auto fields = event.find(Field::kFields); fields && fields->type == FieldType::kMap) {
    FieldReader reader = fields->children;
    for (FieldEntry field; reader.next(field);) append_field(out, field.name, field.value, before);
  }
  if (const auto value = event.find(Field::kValue)) {
    if (value->type != FieldType::kArray) {
      append_field(out, "value", *value, before);
    } else {
      FieldReader reader = value->children;
      std::size_t number = 0;
      for (FieldEntry one; reader.next(one); ++number)
        append_field(out, "value_" + std::to_string(number), one.value, before);
    }
  }
  return before == ',';
}

/// False: nothing of use was appended.
bool append_point(std::string& out, const Event& event, std::int64_t received_ns) {
  const auto name = event.find(Field::kName);
  if (event.shape() != EventShape::kMetric || !name || name->text.empty()) return false;
  append_escaped(out, name->text, kMeasurementSpecial);
  append_tags(out, event);
  if (!append_fields(out, event)) return false;
  const auto time = event.find(Field::kTimestamp);
  out += ' ';
  append_number(out, time && time->type == FieldType::kTime ? time->integer : received_ns);
  out += '\n';
  return true;
}

}  // namespace

bool InfluxEncoder::encodes(const Batch& batch, std::size_t frame) const {
  std::string line;
  const auto event = batch.event(frame);
  return event && append_point(line, *event, 0);
}

void InfluxEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                          std::string& out) const {
  const auto event = batch.event(frame);
  if (!event || !append_point(out, *event, segment.time_ns)) out.clear();
}

}  // namespace penstock
