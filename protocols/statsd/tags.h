#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"

namespace penstock::statsd {

/// Writes the map `tags` of a list such as `env:dev,canary`: in its order; sorted where a name comes again, or there are
/// many. So that no two series are one in a database:
///
/// - a tag without a colon is "true";
/// - a name that comes several times has its distinct values, with `,` between them;
/// - `metric_type`, as which the encoding influx writes the field `kind`, is `sent_metric_type`.
void write_tags(std::string_view list, FieldWriter& fields);

}  // namespace penstock::statsd
