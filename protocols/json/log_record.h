#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/json/options.h"

namespace penstock {

/// Writes `object`, one JSON object as pino, bunyan, winston, logstash and their like make it, as a log record. With
/// `options.known_names` these members are lifted, the first name of a row that the object has with a usable value:
///
/// | field       | names                                | value                                                        |
/// | ----------- | ------------------------------------ | ------------------------------------------------------------ |
/// | `timestamp` | timestamp, @timestamp, time, ts      | RFC 3339, or a number since 1970 in s, ms, us or ns           |
/// | `host`      | host, hostname                       | text                                                         |
/// | `severity`  | level, severity                      | a word (`warn`), 0 to 7 of syslog, 10 to 60 of pino, bunyan   |
/// | `message`   | message, msg                         | text                                                         |
///
/// A member whose words or numbers severity comes from stays under `fields` as well, since several mean the same severity.
/// All others stand under `fields`, in the sender's order, duplicates included.
Problem json_log_record(std::string_view object, const JsonOptions& options, FieldWriter& fields);

}  // namespace penstock
