#pragma once

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"

namespace penstock::statsd {

/// An event, `_e{` taken. See parse_statsd.
Problem parse_event(Scanner& in, FieldWriter& fields);

/// A service check, `_sc|` taken.
Problem parse_service_check(Scanner& in, FieldWriter& fields);

}  // namespace penstock::statsd
