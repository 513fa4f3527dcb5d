#pragma once

#include <string>

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"

namespace penstock::influx {

/// A field's value, which `in` takes up to the comma or blank behind it; written as `name`. `unescaped` is memory for a
/// text with escapes. See LineParser::parse.
Problem parse_value(Scanner& in, std::string_view name, std::string& unescaped,
                    FieldWriter& fields);

}  // namespace penstock::influx
