#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"

namespace penstock::graphite {

/// One line of OpenTSDB's telnet API without its LF (opentsdb.net, "put"; "Writing Data"), any blanks and tabs between its
/// parts:
///
///     put metric time value [tag=value ...]
///
/// Fields of the event: `name`, `value`, `tags` (map), `timestamp`. The time is in seconds since 1970, with a fraction or
/// without, or in milliseconds where it has 13 digits. Names of tags are not checked for being there twice.
///
/// A problem: no `put`, a part that is missing, another time, a value that is no finite decimal number, a tag without name
/// or value. Then `fields` is to be forgotten. Pure; any thread.
Problem parse_put(std::string_view line, FieldWriter& fields);

}  // namespace penstock::graphite
