#pragma once

#include <cstddef>

#include "protocols/core/event.h"
#include "server/sinks/json_text.h"

namespace penstock {

/// An event's fields as JSON members, in their order (RFC 8259): `,"host":"web1","severity":3,"fields":{"status":200}`.
///
/// Numbers keep their type: a double has a `.` or an exponent, integers of 64 bits and texts of numbers stand digit by
/// digit. Doubles that JSON cannot hold are "NaN", "Infinity" and "-Infinity". A time is RFC 3339 in UTC with nine
/// digits of fraction, bytes are base64. Texts as write_json_text has them. Pure; any thread.

/// Room behind the members that write_json_fields may overwrite as well.
inline constexpr std::size_t kJsonFieldsSlack = 32;
static_assert(kJsonFieldsSlack >= kJsonTextSlack);

/// No event's members become longer than this, whatever is in it; the slack is included.
inline std::size_t most_json_fields_bytes(const Event& event) noexcept {
  // The dearest byte of an event's form: two of `null` under the longest shared name.
  constexpr std::size_t kMostPerByte = 12;
  return event.fields().form_bytes() * kMostPerByte + most_json_text_bytes(event.text_bytes()) +
         kJsonFieldsSlack;
}

/// Writes them at `out`, where most_json_fields_bytes(event) fit.
JsonTextEnd write_json_fields(const Event& event, char* out) noexcept;

/// One of them, with the comma in front: `,"host":"web1"`. What is written of one event fits into
/// most_json_fields_bytes() in all, one behind the other.
JsonTextEnd write_json_member(const FieldEntry& member, char* out) noexcept;

/// The value alone.
JsonTextEnd write_json_value(const FieldValue& value, char* out) noexcept;

}  // namespace penstock
