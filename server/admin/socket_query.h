#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocols/core/result.h"
#include "server/net/socket_dump.h"
#include "server/net/socket_row.h"

namespace penstock::admin {

/// A row of /api/sockets: our side of a socket and the kernel's.
struct SocketLine {
  SocketRow own;
  /// What the kernel said; none where it has closed since our side was read, or the kernel does not answer.
  std::optional<kernel::KernelSocket> kernel;
  std::string peer;     ///< as logs show it; empty for those that are no connection
  std::string command;  ///< of a unix peer, where it is known

  bool is_listening() const noexcept { return own.kind == SocketRow::Kind::kListening; }
  std::string_view state() const noexcept;  ///< as `ss` has it; empty where the kernel said nothing
};

/// Which rows are shown, and in what order.
struct SocketQuery {
  std::string
      sort;  ///< a field; empty: listening sockets, datagram sockets, connections, each by listener and URL
  bool descending = false;
  std::optional<std::size_t> limit;
  std::string listener, state, kind;  ///< equal to; empty: any
  std::string peer;                   ///< part of address, credentials or command; empty: any
  bool paused = false;                ///< only those that are

  /// From the parameters of a request; the error says which one is wrong and what would be right.
  static Result<SocketQuery> parse(const std::map<std::string, std::string>& parameters);
  bool matches(const SocketLine& line) const;
};

/// Leaves those that match, in order and up to the limit. Gives how many match.
std::size_t select(std::vector<SocketLine>& lines, const SocketQuery& query);

/// `LOOP-PLACE`, and `.N` behind it for the Nth connection in that place; empty for 0.
std::string id_text(ConnectionId id);

}  // namespace penstock::admin
