#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "protocols/core/result.h"
#include "server/net/unique_fd.h"

namespace penstock {

/// The file of a bound unix socket: removed at destruction, but only while it is still the file that was bound. Holds
/// the flock on `PATH.lock` for life; the lock file itself is never removed (DESIGN.md section 2). Default-constructed
/// (abstract names, inherited sockets) it does nothing. Any thread, one at a time.
class UnixSocketFile {
 public:
  UnixSocketFile() = default;

  /// `path` is absolute, so that a change of directory does not matter. `node` is an O_PATH descriptor of the socket
  /// file: while it is open the file system cannot give the inode's number to a stranger. `lock` comes from
  /// lock_socket_path().
  UnixSocketFile(std::string path, UniqueFd node, UniqueFd lock) noexcept;
  UnixSocketFile(UnixSocketFile&& other) noexcept;
  UnixSocketFile& operator=(UnixSocketFile&& other) noexcept;
  ~UnixSocketFile();

  /// Removes the socket file now if it is still ours; the lock stays held. Harmless when repeated.
  void remove() noexcept;

 private:
  std::string path_;  // empty: nothing to remove
  UniqueFd node_;
  UniqueFd lock_;
};

/// What stands at the path of a unix socket.
enum class PathState : std::uint8_t {
  kFree,     ///< nothing, and the directory exists
  kStale,    ///< a socket that nobody has bound any more
  kLive,     ///< a socket that some process of this machine holds, listening or not
  kRefused,  ///< no directory, not a socket, or impossible to tell
};

struct PathFinding {
  PathState state = PathState::kFree;
  int code = 0;      ///< errno for kRefused, EADDRINUSE for kLive
  std::string text;  ///< why, for kLive and kRefused: `directory /run/x does not exist`
};

/// Looks without leaving a trace: a server there sees no connection, since a datagram socket is used to ask
/// (ECONNREFUSED: nobody; EPROTOTYPE: a server of another type; success: a unixgram server).
PathFinding examine_socket_path(const std::string& path);

/// True for two spellings of one path (links in the directory and `..` followed, relative ones taken from our own
/// directory); abstract names `@x` only as they are.
bool same_socket_name(const std::string& a, const std::string& b);

/// `PATH.lock`.
std::string lock_path(const std::string& path);

/// Process id of the Penstock that holds `PATH.lock`, by /proc/locks; 0 where it is held by an unknown process,
/// nullopt where it is not held. Takes no lock itself and creates no file.
std::optional<int> lock_holder(const std::string& path);

/// Creates `PATH.lock` where it is missing (mode 0600) and takes its flock without waiting. The error says what is in
/// the way: `another Penstock listens there (pid 7)`, or whose file it is that may not be opened.
Result<UniqueFd> lock_socket_path(const std::string& path);

/// Why the lock file that is there could not be opened, as lock_socket_path() would say it; empty where it could, or
/// where there is none. Creates nothing.
std::string lock_trouble(const std::string& path);

}  // namespace penstock
