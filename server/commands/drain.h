#pragma once

#include "server/commands/admin_client.h"

namespace penstock {

/// `penstock drain`: the server begins its stop, as at SIGTERM. With `wait` until it is gone. Gives the exit status.
int drain_command(const AdminOptions& options, bool wait);

/// `penstock reopen`: sinks open their files anew, as at SIGHUP. Gives the exit status.
int reopen_command(const AdminOptions& options);

}  // namespace penstock
