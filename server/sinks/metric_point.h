#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"
#include "protocols/core/event.h"

namespace penstock {

/// A metric point as encodings of text see it: the parts that each has a place for. A view into its event.
struct MetricPoint {
  std::string_view name;            ///< empty: the event is no metric point, or has no name
  std::string_view kind;            ///< empty: none
  std::optional<FieldValue> value;  ///< an array where there are several
  FieldReader fields, tags;         ///< empty where there are none
  std::int64_t time_ns = 0;         ///< that the sender gives it, else of its receipt
  bool has_values = false;  ///< there is a `value` or a map `fields`, with something in it or not
  bool has_others = false;  ///< see visit_others()
};

/// `received_ns`: the time of a point that has none.
MetricPoint metric_point(const Event& event, std::int64_t received_ns) noexcept;

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

template <class Visit>
void visit_entries(FieldReader entries, Visit&& visit) {
  for (FieldEntry entry; entries.next(entry);) visit(entry);
}

/// Each entry of a map, or element of an array; nothing where `value` is neither.
template <class Visit>
void visit_children(const FieldValue& value, Visit&& visit) {
  if (value.type == FieldType::kMap || value.type == FieldType::kArray)
    visit_entries(value.children, visit);
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
void visit_values(const MetricPoint& point, OnField&& on_field, OnValue&& on_value) {
  visit_entries(point.fields, on_field);
  if (!point.value) return;
  if (point.value->type != FieldType::kArray) return on_value(*point.value);
  visit_entries(point.value->children, [&](const FieldEntry& one) { on_value(one.value); });
}

/// Whether MetricPoint has no place for the field, such as `sample_rate`, `container` or `delta`.
bool is_other(const FieldEntry& field) noexcept;

/// Each such field of the event.
template <class Visit>
void visit_others(const Event& event, const MetricPoint& point, Visit&& visit) {
  if (!point.has_others) return;
  visit_entries(event.fields(), [&](const FieldEntry& field) {
    if (is_other(field)) visit(field);
  });
}

/// A text that says what the point is about, and so is a tag where there are tags: not one for people to read.
bool is_tag(const FieldEntry& other) noexcept;

/// The name of a field that visit_others() gives, among those that the sender gives tags and fields itself: with `event_`
/// in front, as often as it takes, where `is_taken(name)`.
template <class IsTaken>
std::string free_name(const FieldEntry& other, IsTaken&& is_taken) {
  std::string name(other.name);
  while (is_taken(std::string_view(name))) name.insert(0, "event_");
  return name;
}

}  // namespace penstock
