#pragma once

#include <string>

#include "server/admin/json.h"
#include "server/admin/status.h"

namespace penstock::admin {

/// The document of /api/status. In maps of reasons only those that occurred; times RFC 3339, durations seconds.
std::string to_json(const Status& status);
/// The same as members of an object that is open.
void add_status(JsonDocument& json, const Status& status);

}  // namespace penstock::admin
