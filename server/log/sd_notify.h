#pragma once

#include <string_view>

namespace penstock {

/// Tells the service manager `state` (`READY=1`, `STOPPING=1`, `STATUS=...`), when NOTIFY_SOCKET is set: a path or
/// `@abstract` name (sd_notify(3), without libsystemd). Never fails visibly; false where nothing was sent. Any thread.
bool sd_notify(std::string_view state) noexcept;

}  // namespace penstock
