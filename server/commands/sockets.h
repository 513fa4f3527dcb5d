#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "server/commands/admin_client.h"

namespace penstock {

struct SocketsCommandOptions {
  AdminOptions admin;
  std::string
      sort;  ///< a column of the table or a field of /api/sockets; empty: as the server orders them
  bool reverse = false;
  std::string listener, peer, state, kind;
  bool paused = false;
  std::optional<std::size_t> limit;
  bool json = false;                    ///< the document of /api/sockets as it is
  std::optional<double> watch_seconds;  ///< again and again; none: once
};

/// Adds the subcommand with its options.
CLI::App* add_sockets_command(CLI::App& cli, SocketsCommandOptions& options);

/// `penstock sockets`: every socket of the running server with what waits in it. Gives the exit status.
int sockets_command(const SocketsCommandOptions& options);

}  // namespace penstock
