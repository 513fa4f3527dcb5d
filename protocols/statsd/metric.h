#pragma once

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"

namespace penstock::statsd {

/// A metric: all of `in`. See parse_statsd.
Problem parse_metric(Scanner& in, FieldWriter& fields);

}  // namespace penstock::statsd
