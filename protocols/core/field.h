#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock {

/// What an event is, and with it which fields it has. The names are those of Field; absent fields are left out, never
/// null or empty.
///
/// Log record: `timestamp` (as the sender says), `host`, `app`, `procid`, `msgid`, `facility`, `severity` (numbers of RFC
/// 5424 section 6.2.1), `structured_data` (map of maps), `tag`, `message`, and `fields` (map) for what the sender names
/// itself.
///
/// Metric point: `name`, `kind` (counter, gauge, timer, histogram, distribution, set, ...), `value` (a number, or an array
/// of them where one datagram packs several), or `fields` (map of numbers, texts and truth values) where a point has
/// several; `tags` (map), `timestamp`, `sample_rate`, `interval`.
enum class EventShape : std::uint8_t { kLog, kMetric };

/// Names that several protocols share; one byte in an event.
enum class Field : std::uint8_t {
  kNone,  ///< an array's element
  kTimestamp,
  kHost,
  kApp,
  kProcid,
  kMsgid,
  kFacility,
  kSeverity,
  kStructuredData,
  kTag,
  kMessage,
  kFields,
  kName,
  kKind,
  kValue,
  kTags,
  kSampleRate,
  kInterval,
  kContainer,
  kTitle,
  kText,
  kStatus,
  kType,
  kError,        ///< of a frame that no event was made of: why
  kErrorOffset,  ///< ... and at which byte of it, from 0
  kCount
};

constexpr std::string_view to_string(Field field) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(Field::kCount)> names = {
      "",
      "timestamp",
      "host",
      "app",
      "procid",
      "msgid",
      "facility",
      "severity",
      "structured_data",
      "tag",
      "message",
      "fields",
      "name",
      "kind",
      "value",
      "tags",
      "sample_rate",
      "interval",
      "container",
      "title",
      "text",
      "status",
      "type",
      "error",
      "error_offset"};
  return names[static_cast<std::size_t>(field)];
}

enum class FieldType : std::uint8_t {
  kNull,
  kBool,
  kInt64,
  kUint64,
  kDouble,
  kTime,    ///< nanoseconds since 1970 UTC
  kNumber,  ///< decimal text of a number that no other type holds exactly (RFC 8259 section 6)
  kString,  ///< text; UTF-8 where the protocol says so, else any bytes
  kBytes,
  kMap,
  kArray,
};

/// A field's name: a shared one, or the sender's own. The text of the latter lives until the call that takes it returns.
class FieldName {
 public:
  constexpr FieldName(Field id) noexcept : id_(id) {}  // NOLINT(google-explicit-constructor)
  constexpr FieldName(std::string_view text) noexcept  // NOLINT(google-explicit-constructor)
      : text_(text), own_(true) {}

  constexpr bool is_own() const noexcept { return own_; }
  constexpr Field id() const noexcept { return id_; }
  constexpr std::string_view text() const noexcept { return own_ ? text_ : to_string(id_); }

 private:
  std::string_view text_;
  Field id_ = Field::kNone;
  bool own_ = false;
};

}  // namespace penstock
