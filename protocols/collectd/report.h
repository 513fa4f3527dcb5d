#pragma once

#include <string>
#include <string_view>

#include "protocols/collectd/datagram.h"
#include "protocols/core/field_writer.h"

namespace penstock::collectd {

/// Appends `report` as a command of collectd's plain text protocol (collectd-unixsock(5)), with which it can be sent
/// again: `PUTVAL web1/cpu-0/cpu-idle interval=10 1441588984.000:99.5`, `PUTNOTIF host=web1 severity=warning ...
/// message="..."`.
void render(const Report& report, const Contents& contents, std::string& text);

/// Writes `report` as an event. Values are a metric point: `name` (`plugin.type`), `kind` (counter, gauge, derive, absolute;
/// left out where the values are of several), `fields` with a number for each data source, `tags` (host, plugin,
/// plugin_instance, type, type_instance), `timestamp`, `interval` in seconds. Data sources have the names of types.db, or
/// value0, value1 ... where it does not know the type, or not with as many.
///
/// A notification is a log record: `timestamp`, `host`, `app` (its plugin), `severity` (failure 3, warning 4, okay 5),
/// `message`, `tags`.
void write_event(const Report& report, const Contents& contents, const Tables* tables,
                 FieldWriter& fields);

}  // namespace penstock::collectd
