#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/core/field.h"

namespace penstock {

struct FieldEntry;

/// Walks the entries of an event, a map or an array in order. A view: lives as long as the event's batch.
class FieldReader {
 public:
  FieldReader() = default;
  /// `entries` as FieldWriter wrote them, `frame` the event's.
  FieldReader(std::string_view entries, std::string_view frame) noexcept
      : rest_(entries), frame_(frame) {}

  /// False at the end; then `entry` is as it was.
  bool next(FieldEntry& entry) noexcept;
  bool empty() const noexcept { return rest_.empty(); }
  /// Of all that is left, in the form of FieldWriter: an encoder's bound.
  std::size_t form_bytes() const noexcept { return rest_.size(); }

 private:
  std::string_view rest_;
  std::string_view frame_;
};

/// One value; which member holds it, `type` says.
struct FieldValue {
  FieldType type = FieldType::kNull;
  union {
    bool boolean;
    std::int64_t integer = 0;  ///< kInt64, kTime
    std::uint64_t unsigned_integer;
    double real;
  };
  std::string_view text;  ///< kNumber, kString, kBytes
  FieldReader children;   ///< kMap, kArray
};

struct FieldEntry {
  Field id = Field::kNone;  ///< kNone: the sender's own name, or an array's element without one
  std::string_view name;
  FieldValue value;
};

/// An event as a decoder made it. A view into its batch.
class Event {
 public:
  /// `form` begins where FieldWriter::finish said; `frame` are the event's bytes as received.
  Event(const char* form, std::string_view frame) noexcept;

  EventShape shape() const noexcept { return shape_; }
  FieldReader fields() const noexcept { return {entries_, frame_}; }
  std::string_view frame() const noexcept { return frame_; }
  /// The first field of that name on the top level.
  std::optional<FieldValue> find(Field id) const noexcept;
  /// Sizes of all texts and names together.
  std::size_t text_bytes() const noexcept { return text_bytes_; }

 private:
  std::string_view entries_;
  std::string_view frame_;
  std::size_t text_bytes_ = 0;
  EventShape shape_ = EventShape::kLog;
};

}  // namespace penstock
