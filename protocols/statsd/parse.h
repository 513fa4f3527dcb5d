#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"

/// statsd (github.com/statsd/statsd, docs/metric_types.md) and DogStatsD with its extensions 1.1 to 1.6 (Datadog's
/// documentation of "Datagram format and shell usage"). Pure; any thread.
namespace penstock::statsd {

/// One line without its LF:
///
///     name:value[:value...]|type[|@rate][|#tag:value,tag][|c:container][|Tseconds]
///     _e{title bytes,text bytes}:title|text[|d:seconds][|h:host][|k:key][|p:priority][|s:source][|t:alert type][|#tags]
///     _sc|name|status[|d:seconds][|h:host][|#tags][|m:message]
///
/// Fields of a metric: `name`, `kind` (counter, gauge, timer, histogram, distribution, set), `value` (a number; an array
/// of them where several are packed; a set's text, colons included), `delta` (true; a gauge with a sign is a change),
/// `tags` (map, see write_tags), `timestamp`, `sample_rate` (above 0, at most 1), `container`, `external_data`,
/// `cardinality`, and `extensions` (array of texts) for parts that nobody has defined yet. The parts may come in any
/// order, each once.
///
/// Fields of an event: `name` is absent, `kind` "event", `title`, `text` (in both `\n`, two bytes, is a line's end), `host`,
/// `aggregation_key`, `priority`, `source_type`, `alert_type`, and the last ones above. Of a service check: `name`, `kind`
/// "service_check", `status` (0 ok, 1 warning, 2 critical, 3 unknown), `host`, `message` (likewise), and the last ones.
///
/// The lengths of an event are in bytes, or, where they do not fit, in units of UTF-16, as JavaScript counts.
///
/// A problem: no name, no colon, no or an unknown type, a value that is no finite decimal number, a rate outside its
/// range, lengths that are not those of the texts. Then `fields` is to be forgotten.
Problem parse_statsd(std::string_view line, FieldWriter& fields);

}  // namespace penstock::statsd
