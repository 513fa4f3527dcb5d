#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/core/field_writer.h"

namespace penstock::msgpack {

/// The value at the front of `input` as a field, and what lies behind it. ValueScan has found it whole and legal: nothing
/// is checked again. Integers, floats, nil, truth values, texts and bytes keep their types; a timestamp (ext -1) and an
/// EventTime (ext 0 of 8 bytes) are times, other extensions their payload's bytes. A key that is no text is written as JSON
/// has it. Recurses no deeper than the value is nested.
std::string_view write_field(FieldName name, std::string_view input, FieldWriter& fields);

/// The pairs of a map as entries of what is open in `fields`.
std::string_view write_pairs(std::string_view map, FieldWriter& fields);

/// Fluentd's EventTime: seconds and nanoseconds, 32 bits each, big endian. `payload` has 8 bytes. Nothing where the
/// nanoseconds are a second or more.
std::optional<std::int64_t> event_time_ns(std::string_view payload) noexcept;

}  // namespace penstock::msgpack
