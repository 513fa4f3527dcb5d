#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "server/net/url.h"

namespace penstock {

/// Who holds a socket, as far as /proc tells: processes of other users are visible to root only.
struct SocketHolder {
  pid_t pid = 0;             ///< 0: not found
  std::string command;       ///< /proc/PID/comm
  std::string program;       ///< last part of /proc/PID/exe, empty where that is not permitted
  std::optional<uid_t> uid;  ///< owner of the socket (inet only)
};

/// The socket that stands in the way of binding `address` under `scheme` (tcp and udp). nullopt: none is visible in
/// this network namespace. Slow (reads all of /proc): for error messages and `penstock check` only. Any thread.
std::optional<SocketHolder> find_inet_holder(Scheme scheme, const SocketAddress& address);

/// The process that has bound the socket file `path` or the abstract name `@name`.
std::optional<SocketHolder> find_unix_holder(const std::string& path);

/// `by pid 123 (nginx)`, `by a process of uid 33`, or empty.
std::string holder_text(const std::optional<SocketHolder>& holder);

/// True for another process than this one that runs a program called `penstock`. By the file name of the program alone,
/// since nothing else can be seen from outside: a renamed Penstock is a stranger, and a stranger of that name is not.
/// Only `penstock check --bind` asks, for the words of its report.
bool is_other_penstock(const std::optional<SocketHolder>& holder);

}  // namespace penstock
