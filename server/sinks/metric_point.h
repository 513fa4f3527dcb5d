#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/batch.h"
#include "protocols/core/event.h"

namespace penstock {

/// A metric point as encodings of text see it: an event of that shape with a name.
inline std::string_view point_name(const Event& event) noexcept {
  if (event.shape() != EventShape::kMetric) return {};
  const auto name = event.find(Field::kName);
  return name ? name->text : std::string_view();
}

/// The time that the sender gives it, else that of its receipt.
inline std::int64_t event_time_ns(const Event& event, std::int64_t received_ns) noexcept {
  const auto time = event.find(Field::kTimestamp);
  return time && time->type == FieldType::kTime ? time->integer : received_ns;
}

/// The time of receipt as a server is told it that takes what is equal at the same time for one: what was read together
/// differs by the index in the batch, in nanoseconds. The same each time that the batch is sent.
inline std::int64_t distinct_time_ns(const Segment& segment, std::size_t frame) noexcept {
  return segment.time_ns + static_cast<std::int64_t>(frame);
}

/// Each entry of a map, or element of an array; nothing where `value` is neither.
template <class Visit>
void visit_children(const FieldValue& value, Visit&& visit) {
  FieldReader reader = value.children;
  for (FieldEntry entry; reader.next(entry);) visit(entry);
}

/// A map of the event's top level, entry by entry; nothing where there is no such map.
template <class Visit>
void visit_map(const Event& event, Field id, Visit&& visit) {
  const auto map = event.find(id);
  if (map && map->type == FieldType::kMap) visit_children(*map, visit);
}

/// The numbers of a point: `on_field(entry)` for each of its `fields`, then `on_value(value)` for its `value`, or for each
/// where it has several.
template <class OnField, class OnValue>
void visit_values(const Event& event, OnField&& on_field, OnValue&& on_value) {
  visit_map(event, Field::kFields, on_field);
  const auto value = event.find(Field::kValue);
  if (!value) return;
  if (value->type != FieldType::kArray) return on_value(*value);
  visit_children(*value, [&](const FieldEntry& one) { on_value(one.value); });
}

}  // namespace penstock
