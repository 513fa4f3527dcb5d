#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "server/net/io_loop.h"
#include "server/net/socket_row.h"

namespace penstock {

/// The sockets of all loops.
struct SocketSurvey {
  std::vector<SocketRow> rows;
  bool complete =
      true;  ///< false: a loop did not come to it in time; what it had said until then is there
};

/// Each loop copies its rows, 256 connections a turn, so that reading goes on meanwhile; a connection that comes or goes
/// during it may be left out. The calling thread, which is none of the loops', waits at most `wait`.
SocketSurvey survey_sockets(std::span<IoLoop* const> loops, std::chrono::milliseconds wait);

}  // namespace penstock
