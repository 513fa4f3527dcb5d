#include "server/sinks/graphite_encoder.h"

#include <chrono>
#include <cmath>
#include <limits>

#include "protocols/core/decimal.h"
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

constexpr std::string_view kTagSpecial = ";!^=";

std::string graphite_name(const MetricPoint& point, const FieldEntry& other) {
  return free_name(other, [&](std::string_view name) {
    bool taken = false;
    visit_entries(point.tags, [&](const FieldEntry& tag) {
      std::string written;
      append_clean(written, tag.name, kTagSpecial);
      taken = taken || written == name;
    });
    return taken;
  });
}

/// Each tag with its name: the sender's own, and what else the event says that is one.
template <class Visit>
void visit_tags(const Event& event, const MetricPoint& point, Visit&& visit) {
  visit_entries(point.tags, [&](const FieldEntry& tag) { visit(tag.name, tag.value); });
  visit_others(event, point, [&](const FieldEntry& other) {
    if (is_tag(other)) visit(graphite_name(point, other), other.value);
  });
}

void append_path_tag(std::string& out, std::string_view name, const FieldValue& tag) {
  std::string value;
  if (tag.type == FieldType::kString)
    value = tag.text;
  else if (tag.type == FieldType::kBool)
    value = tag.boolean ? "true" : "false";
  else
    append_numeric(value, tag);
  if (name.empty() || value.empty()) return;
  out += ';';
  append_clean(out, name, kTagSpecial);
  out += '=';
  append_clean(out, value, ";~");
}

/// What of the event changes what its values mean.
struct Meaning {
  double sample_rate = 1;  ///< of a counter: each value stands for that many times as much
  bool is_change = false;  ///< of a gauge, and no value of it
};

Meaning meaning_of(const Event& event, const MetricPoint& point) {
  Meaning meaning;
  visit_others(event, point, [&](const FieldEntry& other) {
    if (other.name == "delta" && other.value.type == FieldType::kBool)
      meaning.is_change = other.value.boolean;
    const bool rate = other.id == Field::kSampleRate && other.value.type == FieldType::kDouble;
    if (rate && point.kind == "counter") meaning.sample_rate = other.value.real;
  });
  return meaning;
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

/// Of a number.
double as_double(const FieldValue& number) noexcept {
  switch (number.type) {
    case FieldType::kInt64: return static_cast<double>(number.integer);
    case FieldType::kUint64: return static_cast<double>(number.unsigned_integer);
    case FieldType::kDouble: return number.real;
    default: break;
  }
  Decimal decimal;
  return parse_decimal(number.text, decimal) ? decimal.as_real()
                                             : std::numeric_limits<double>::infinity();
}

FieldValue divided(const FieldValue& number, double sample_rate) noexcept {
  FieldValue value;
  value.type = FieldType::kDouble;
  value.real = as_double(number) / sample_rate;
  return value;
}

/// Each number that can be written, with the name of its field or none.
template <class Visit>
void visit_numbers(const MetricPoint& point, double sample_rate, Visit&& visit) {
  const auto each = [&](std::string_view field, const FieldValue& value) {
    if (!is_number(value)) return;
    if (sample_rate == 1) return visit(field, value);
    if (const FieldValue all = divided(value, sample_rate); is_number(all)) visit(field, all);
  };
  visit_values(
      point, [&](const FieldEntry& field) { each(field.name, field.value); },
      [&](const FieldValue& value) { each({}, value); });
}

/// A second that has begun before 1970 has begun, too.
std::int64_t seconds_of(const MetricPoint& point) noexcept {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(point.time_ns)).count();
}

/// Of the name and tags of each line, with its second and what stands between.
std::size_t most_shared_bytes(const Event& event, const MetricPoint& point) {
  std::size_t bytes = point.name.size() + kMostNumberBytes + 3;
  visit_tags(event, point, [&](std::string_view name, const FieldValue& tag) {
    bytes += name.size() + tag.text.size() + kMostNumberBytes + 2;
  });
  return bytes;
}

/// Of a point's lines; 0 where it has no number.
std::size_t most_line_bytes(const Event& event, const MetricPoint& point, double sample_rate) {
  const std::size_t shared = most_shared_bytes(event, point);
  std::size_t bytes = 0;
  visit_numbers(point, sample_rate, [&](std::string_view field, const FieldValue& value) {
    bytes += shared + field.size() + 1 + value.text.size() + kMostNumberBytes;
  });
  return bytes;
}

void append_path(std::string& out, std::string_view name, std::string_view field) {
  append_clean(out, name, ";");
  if (field.empty()) return;
  out += '.';
  append_clean(out, field, ";");
}

}  // namespace

std::size_t GraphiteEncoder::most_bytes(const Batch& batch, std::size_t frame) const {
  constexpr std::int64_t kNow = -1;  // to carbon: the time at which it reads the line
  const auto event = batch.event(frame);
  if (!event) return 0;
  const MetricPoint point = metric_point(*event, 0);
  if (point.name.empty() || seconds_of(point) == kNow) return 0;
  const Meaning meaning = meaning_of(*event, point);
  return meaning.is_change ? 0 : most_line_bytes(*event, point, meaning.sample_rate);
}

std::string_view GraphiteEncoder::why_not(const Batch& batch, std::size_t frame) const {
  const auto event = batch.event(frame);
  if (!event || !meaning_of(*event, metric_point(*event, 0)).is_change) return {};
  return "a change of a gauge (delta) has no form in graphite; statsd.flush makes a value of it";
}

void GraphiteEncoder::write(const Batch& batch, const Segment& segment, std::size_t frame,
                            std::string& out) const {
  const auto event = batch.event(frame);
  const MetricPoint point = metric_point(*event, segment.time_ns);
  std::string tags;
  visit_tags(*event, point, [&](std::string_view name, const FieldValue& tag) {
    append_path_tag(tags, name, tag);
  });
  const std::int64_t seconds = seconds_of(point);
  visit_numbers(point, meaning_of(*event, point).sample_rate,
                [&](std::string_view field, const FieldValue& value) {
                  append_path(out, point.name, field);
                  out += tags;
                  out += ' ';
                  append_numeric(out, value);
                  out += ' ';
                  append_number(out, seconds);
                  out += '\n';
                });
}

}  // namespace penstock
