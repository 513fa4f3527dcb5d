#pragma once

namespace penstock {

/// SIGINT and SIGTERM no longer end the process, stop_asked() tells of them; a reader that has gone is EPIPE. For commands
/// that show something again and again. Main thread.
void watch_stop_signals();
bool stop_asked() noexcept;

}  // namespace penstock
