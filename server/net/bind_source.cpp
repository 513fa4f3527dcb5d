#include <sys/socket.h>

#include <cerrno>
#include <climits>

#include "server/net/bind_socket.h"
#include "server/net/socket_option.h"

namespace penstock {

Result<std::vector<BoundSocket>> BindSource::open(const Url& url, const BindOptions& options) {
  const auto addresses = resolve(url);
  if (!addresses) return fail(addresses.error().code, "bind " + addresses.error().message);
  const bool has_file = is_unix(url.scheme) && url.path.front() != '@';
  std::vector<BoundSocket> sockets;
  for (const SocketAddress& address : *addresses) {
    auto bound = has_file ? bind_path(url, address, options) : bind_address(url, address, options);
    if (!bound) return tl::unexpected(bound.error());
    sockets.push_back(std::move(*bound));
  }
  return sockets;
}

Result<void> start_listening(const BoundSocket& socket, int backlog) {
  if (is_datagram(socket.scheme)) return {};
  // An inherited listener has the backlog that its service manager chose, unless the config asks for one.
  if (backlog == 0 && get_option(socket.fd.get(), SOL_SOCKET, SO_ACCEPTCONN) != 0) return {};
  // The kernel cuts any larger number to net.core.somaxconn.
  if (::listen(socket.fd.get(), backlog > 0 ? backlog : INT_MAX) == 0) return {};
  const int code = errno;
  Url url{.scheme = socket.scheme, .text = socket.url};
  if (is_unix(socket.scheme)) url.path = socket.url.substr(socket.url.find("://") + 3);
  return tl::unexpected(bind_error(url, socket.address, code));
}

}  // namespace penstock
