#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"

/// The plaintext protocol of Graphite's carbon ("Feeding In Your Data" and "Graphite Tag Support" of its documentation).
/// Pure; any thread.
namespace penstock::graphite {

/// One line without its LF, any blanks and tabs between and around its parts:
///
///     path[;tag=value[;...]] value time
///
/// Fields of the event: `name` (the path), `value`, `tags` (map), `timestamp`. The time is in seconds since 1970, with a
/// fraction, an exponent or neither; `-1` and `N` mean the time of receipt, and leave the field out. Names of tags are not
/// checked for being there twice.
///
/// A problem: not three parts, a value that is no finite decimal number, another time, a tag without name or value. Then
/// `fields` is to be forgotten.
Problem parse_graphite(std::string_view line, FieldWriter& fields);

}  // namespace penstock::graphite
