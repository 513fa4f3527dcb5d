#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/json/object_reader.h"

namespace penstock {

/// Writes the members of `object`, one JSON object with nothing but blanks around it, where the writer stands, under the
/// sender's names and in the sender's order; the caller opens a map around them if it wants one. Nothing behind `object`
/// is read, so it needs no padding. Texts without escapes that lie in the writer's frame are referred to.
///
/// Numbers stay exact (read_json_number). Behind a problem, whose place is a byte of `object`, the fields are incomplete
/// and are to be forgotten. Any thread.
Problem json_object_to_fields(std::string_view object, const JsonLimits& limits,
                              FieldWriter& fields);

}  // namespace penstock
