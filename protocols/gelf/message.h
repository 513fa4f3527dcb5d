#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/json/object_reader.h"

namespace penstock::gelf {

/// Writes `object`, one GELF message (version 1.1, and 1.0 as it is still sent), as a log record:
///
/// | member             | field                                                                              |
/// | ------------------ | ---------------------------------------------------------------------------------- |
/// | `timestamp`        | `timestamp`: seconds since 1970, a number or (against the specification) its text   |
/// | `host`             | `host`                                                                             |
/// | `level`            | `severity`, 0 to 7, a number or its text                                           |
/// | `short_message`    | `message`; where there is none, `message` is                                       |
/// | `full_message`     | `full_message`                                                                     |
/// | `_x`               | `fields.x`; `_id`, which the specification forbids, like any other                 |
/// | `version`          | left out: it is about the message and not of it                                    |
///
/// Any other member (the old `facility`, `file`, `line`; one whose value is not of the type above) stands under `fields`
/// with its name and value as sent. A message must have a text: `short_message`, `message` or `full_message`.
Problem parse_message(std::string_view object, const JsonLimits& limits, FieldWriter& fields);

}  // namespace penstock::gelf
