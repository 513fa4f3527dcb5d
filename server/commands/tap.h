#pragma once

#include <cstdint>
#include <string>

#include "server/commands/admin_client.h"

namespace penstock {

struct TapCommandOptions {
  AdminOptions admin;
  std::string listener;        ///< empty: the only one
  std::string peer, contains;  ///< show only records that have these; empty: all
  unsigned rate = 100;         ///< records a second at most
  std::uint64_t count = 0;     ///< end after so many; 0: never
  bool json = false;
};

CLI::App* add_tap_command(CLI::App& cli, TapCommandOptions& options);

/// `penstock tap`: records to the standard output as they come, what is left out to the standard error. Ends at SIGINT,
/// SIGTERM, when nobody reads its output any more, or with the server. Gives the exit status.
int tap_command(const TapCommandOptions& options);

}  // namespace penstock
