#include "server/commands/send/connect.h"

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "protocols/core/errno_text.h"
#include "server/commands/send/clock.h"
#include "server/net/multicast.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

/// The interface's first IPv4 address, netdevice(7); 0.0.0.0 where it has none.
in_addr ipv4_of(int fd, const std::string& interface) noexcept {
  ifreq request{};
  interface.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (::ioctl(fd, SIOCGIFADDR, &request) != 0) return {};
  sockaddr_in address{};
  std::memcpy(&address, &request.ifr_addr, sizeof address);
  return address.sin_addr;
}

/// Its own address is the source, also where the kernel would not take it by itself, as that of lo: receivers may filter
/// by source.
bool set_interface(int fd, const SocketAddress& group, const std::string& interface,
                   unsigned index) noexcept {
  if (group.family() == AF_INET6)
    return set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, static_cast<int>(index));
  ip_mreqn request{};
  request.imr_ifindex = static_cast<int>(index);
  request.imr_address = ipv4_of(fd, interface);
  return ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0;
}

bool set_ttl(int fd, const SocketAddress& group, int ttl) noexcept {
  return group.family() == AF_INET6 ? set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, ttl)
                                    : set_option(fd, IPPROTO_IP, IP_MULTICAST_TTL, ttl);
}

Result<void> choose_way(int fd, const SocketAddress& address, const MulticastWay& way) {
  if (way.ttl == 0 && way.interface.empty()) return {};
  if (!is_multicast(address)) {
    return fail(
        0, "--interface and --ttl are for multicast groups, and " + ip_text(address) + " is none");
  }
  if (way.ttl != 0 && !set_ttl(fd, address, way.ttl))
    return fail(errno, "--ttl: " + errno_text(errno));
  if (way.interface.empty()) return {};
  const unsigned index = if_nametoindex(way.interface.c_str());
  if (index == 0) return fail(ENODEV, "--interface: no network interface " + shown(way.interface));
  if (!set_interface(fd, address, way.interface, index))
    return fail(errno, "--interface " + shown(way.interface) + ": " + errno_text(errno));
  return {};
}

// 0 when the connection is there, else the errno.
int wait_connected(int fd, std::int64_t deadline_ns) {
  pollfd poll{fd, POLLOUT, 0};
  for (;;) {
    const int left = poll_milliseconds(deadline_ns - monotonic_ns());
    const int n = ::poll(&poll, 1, left);
    if (n == 0) return ETIMEDOUT;
    if (n < 0 && errno == EINTR) continue;
    return socket_error(fd);
  }
}

int try_connect(int fd, const SocketAddress& address, std::int64_t deadline_ns) {
  for (;;) {
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) == 0)
      return 0;
    if (errno == EINPROGRESS) return wait_connected(fd, deadline_ns);
    // A unix listener's full queue has nothing to wait on.
    const bool full = errno == EAGAIN || errno == EINTR;
    if (!full) return errno;
    if (monotonic_ns() >= deadline_ns) return ETIMEDOUT;
    ::poll(nullptr, 0, 1);
  }
}

}  // namespace

Result<UniqueFd> connect_to(const Url& url, const std::vector<SocketAddress>& addresses,
                            std::int64_t timeout_ms, const MulticastWay& way) {
  const std::int64_t deadline_ns = monotonic_ns() + timeout_ms * 1'000'000;
  int error = 0;
  std::string where;
  for (const SocketAddress& address : addresses) {
    UniqueFd fd(
        ::socket(address.family(), socket_type(url.scheme) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail(errno, "socket for " + url.text + ": " + errno_text(errno));
    // Paced records go out when they are due.
    if (is_tcp(url.scheme)) set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
    if (const auto chosen = choose_way(fd.get(), address, way); !chosen)
      return tl::unexpected(chosen.error());
    error = try_connect(fd.get(), address, deadline_ns);
    if (error == 0) return fd;
    where = canonical_url(url.scheme, address);
  }
  return fail(error, "connect " + (where.empty() ? url.text : where) + ": " + errno_text(error));
}

}  // namespace penstock
