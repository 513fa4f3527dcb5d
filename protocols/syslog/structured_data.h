#pragma once

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"

namespace penstock::syslog {

/// STRUCTURED-DATA of RFC 5424 section 6.3: `-`, or elements `[id name="value" ...]`, as a map of maps. See parse_rfc5424
/// for what is taken beyond it.
Problem scan_structured_data(Scanner& in, FieldWriter& fields);

}  // namespace penstock::syslog
