#pragma once

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "server/net/socket_source.h"
#include "tests/support/child.h"
#include "tests/support/temp_dir.h"

/// What the tests of addresses share: folders, plain servers, URLs to bind.
namespace penstock::test {

/// A folder that everybody may write to, gone at the end of the test.
class SharedDir : public TempDir {
 public:
  SharedDir() { ::chmod(path().c_str(), 0777); }
};

inline sockaddr_un unix_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), std::min(path.size(), sizeof name.sun_path));
  return name;
}

/// A foreign server: bound, listening where `listening`.
inline UniqueFd foreign_server(const std::string& path, int type, bool listening) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un name = unix_name(path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) std::abort();
  if (listening && ::listen(fd.get(), 5) != 0) std::abort();
  return fd;
}

/// errno of a connect to the path, 0 when it went well.
inline int try_connect(const std::string& path, int type) {
  const UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un name = unix_name(path);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0
                                                                                         : errno;
}

inline int int_option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, option, &value, &size);
  return value;
}

inline Result<std::vector<BoundSocket>> open_url(const std::string& text,
                                                 const BindOptions& options = {}) {
  const auto url = parse_url(text);
  if (!url) return tl::unexpected(url.error());
  BindSource source;
  return source.open(*url, options);
}

/// The error's text, or `bound`.
inline std::string bind_message(const std::string& text, const BindOptions& options = {}) {
  const auto sockets = open_url(text, options);
  return sockets ? "bound" : sockets.error().message;
}

}  // namespace penstock::test
