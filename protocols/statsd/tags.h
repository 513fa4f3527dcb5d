#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"

namespace penstock::statsd {

/// Writes the map `tags` of a list such as `env:dev,canary`: names in the order in which they come first, or sorted where
/// there are many. So that no two of them are one series in a database:
///
/// - a tag without a colon is "true";
/// - a name that comes several times has its distinct values, with `,` between them;
/// - `metric_type`, as which the encoding influx writes the field `kind`, is `sent_metric_type`.
void write_tags(std::string_view list, FieldWriter& fields);

}  // namespace penstock::statsd
