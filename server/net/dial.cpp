#include "server/net/dial.h"

#include <sys/socket.h>

#include <cerrno>

namespace penstock {
namespace {

/// `host` is a loopback address, which needs no lookup.
SocketAddress loopback_address(Url url, const char* host) {
  url.host = host;
  url.zone.clear();
  return resolve(url)->front();
}

bool only_v6(Scheme scheme) noexcept { return scheme == Scheme::kTcp6 || scheme == Scheme::kUdp6; }
bool only_v4(Scheme scheme) noexcept { return scheme == Scheme::kTcp4 || scheme == Scheme::kUdp4; }

}  // namespace

int socket_error(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

Result<std::vector<SocketAddress>> addresses_to_try(const Url& url) {
  if (!is_unix(url.scheme) && url.port == 0)
    return fail(0, url.text + ": a port to send to is needed");
  Result<std::vector<SocketAddress>> addresses = resolve(url);
  if (!addresses || is_unix(url.scheme) || !is_wildcard(addresses->front())) return addresses;
  if (only_v4(url.scheme)) return std::vector{loopback_address(url, "127.0.0.1")};
  if (only_v6(url.scheme)) return std::vector{loopback_address(url, "::1")};
  return std::vector{loopback_address(url, "127.0.0.1"), loopback_address(url, "::1")};
}

}  // namespace penstock
