#include "server/sinks/metric_point.h"

namespace penstock {
namespace {

FieldReader entries_of(const FieldValue& value) noexcept {
  return value.type == FieldType::kMap ? value.children : FieldReader();
}

}  // namespace

MetricPoint metric_point(const Event& event, std::int64_t received_ns) noexcept {
  MetricPoint point{.time_ns = received_ns};
  if (event.shape() != EventShape::kMetric) return point;
  visit_entries(event.fields(), [&](const FieldEntry& field) {
    switch (field.id) {
      case Field::kName: point.name = field.value.text; break;
      case Field::kKind: point.kind = field.value.text; break;
      case Field::kTags: point.tags = entries_of(field.value); break;
      case Field::kFields:
        point.fields = entries_of(field.value);
        point.has_values = true;
        break;
      case Field::kValue:
        point.value = field.value;
        point.has_values = true;
        break;
      case Field::kTimestamp:
        if (field.value.type == FieldType::kTime) point.time_ns = field.value.integer;
        break;
      default: point.has_others = true;
    }
  });
  return point;
}

bool is_other(const FieldEntry& field) noexcept {
  switch (field.id) {
    case Field::kName:
    case Field::kKind:
    case Field::kTags:
    case Field::kFields:
    case Field::kValue:
    case Field::kTimestamp: return false;
    default: return true;
  }
}

bool is_tag(const FieldEntry& other) noexcept {
  const bool prose =
      other.id == Field::kMessage || other.id == Field::kTitle || other.id == Field::kText;
  return other.value.type == FieldType::kString && !prose;
}

}  // namespace penstock
