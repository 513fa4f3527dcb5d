#pragma once

#include <chrono>

#include "server/commands/admin_client.h"

namespace penstock {

struct TopOptions {
  AdminOptions admin;
  double interval_seconds = 1;
  bool once = false;  ///< one look as plain text, as where the output is no terminal
};

/// `penstock top`: where bytes wait, live. On a terminal a screen with keys; else plain text, a look after the other (one
/// with `once`). Gives the exit status.
int top_command(const TopOptions& options);

}  // namespace penstock
