#include "server/net/bind_socket.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fstream>

#include "protocols/core/errno_text.h"
#include "server/net/socket_holder.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

/// Beyond rmem_max where we may; else as far as rmem_max goes, and the caller reads back how far that was.
void set_receive_buffer(int fd, std::size_t asked) noexcept {
  const int value = static_cast<int>(std::min<std::size_t>(asked, INT_MAX / 2));
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, value))
    set_option(fd, SOL_SOCKET, SO_RCVBUF, value);
}

int unprivileged_port_start() {
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  int port = 1024;
  return file >> port ? port : 1024;
}

bool is_link_local_without_zone(const SocketAddress& address) noexcept {
  if (address.family() != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address.storage, sizeof v6);
  return (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) || is_link_scoped_group(address)) &&
         v6.sin6_scope_id == 0;
}

std::string in_use_hint(const Url& url, const SocketAddress& address) {
  std::string holder = holder_text(is_unix(url.scheme) ? find_unix_holder(url.path)
                                                       : find_inet_holder(url.scheme, address));
  if (!is_multicast(address) || holder.empty()) return holder;
  return holder + ", whose socket does not share the group: it lacks SO_REUSEADDR";
}

std::string privileged_port_hint(const SocketAddress& address) {
  const int start = unprivileged_port_start();
  if (port_of(address) == 0 || port_of(address) >= start) return {};
  return "ports below " + std::to_string(start) +
         " need CAP_NET_BIND_SERVICE or a lower net.ipv4.ip_unprivileged_port_start";
}

std::string hint(const Url& url, const SocketAddress& address, int code) {
  switch (code) {
    case EADDRINUSE: return in_use_hint(url, address);
    case EACCES: return privileged_port_hint(address);
    case EADDRNOTAVAIL: return "no interface of this machine has it";
    case EAFNOSUPPORT: return address.family() == AF_INET6 ? "this kernel has no IPv6" : "";
    case EINVAL:
      return is_link_local_without_zone(address) ? "link-local addresses need a zone such as %eth0"
                                                 : "";
    default: return {};
  }
}

/// Sets the options that a group's socket needs before bind(2), and gives the address with its interface.
Result<SocketAddress> prepare_address(int fd, const Url& url, const SocketAddress& address,
                                      const BindOptions& options) {
  if (!is_multicast(address)) return address;
  if (!is_udp(url.scheme)) return fail(0, multicast_needs_udp(address));
  const auto membership = membership_of(address, options.multicast);
  if (!membership) return tl::unexpected(membership.error());
  if (const auto prepared = prepare_group_socket(fd, *membership); !prepared)
    return tl::unexpected(prepared.error());
  return on_interface(address, *membership);
}

tl::unexpected<Error> bind_failure(const Url& url, const Error& reason) {
  return fail(reason.code, "bind " + url.text + ": " + reason.message);
}

}  // namespace

Result<void> configure_socket(int fd, Scheme scheme, const BindOptions& options) {
  if (is_tcp(scheme) && !set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1))
    return fail(errno, "SO_REUSEADDR: " + errno_text(errno));
  if (is_udp(scheme) && !set_option(fd, SOL_SOCKET, SO_BROADCAST, 1))
    return fail(errno, "SO_BROADCAST: " + errno_text(errno));
  if (is_udp(scheme)) take_own_groups_only(fd);
  if (scheme == Scheme::kUnixgram && !set_option(fd, SOL_SOCKET, SO_PASSCRED, 1)) {
    return fail(errno, "SO_PASSCRED: " + errno_text(errno));
  }
  if (is_udp(scheme) && options.gro && !set_option(fd, IPPROTO_UDP, UDP_GRO, 1)) {
    return fail(errno, "UDP_GRO: " + errno_text(errno));
  }
  if (options.receive_buffer_bytes != 0) set_receive_buffer(fd, options.receive_buffer_bytes);
  return {};
}

std::size_t receive_buffer_bytes(int fd) noexcept {
  return static_cast<std::size_t>(std::max(0, get_option(fd, SOL_SOCKET, SO_RCVBUF)));
}

SocketAddress bound_address(int fd) noexcept {
  SocketAddress address;
  address.length = sizeof address.storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0)
    return {};
  address.v6_only = address.family() == AF_INET6 && get_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) != 0;
  return address;
}

Error bind_error(const Url& url, const SocketAddress& address, int code) {
  const std::string resolved =
      needs_lookup(url) ? " (" + canonical_url(url.scheme, address) + ')' : "";
  const std::string help = hint(url, address, code);
  return {code, "bind " + url.text + resolved + ": " + errno_text(code) +
                    (help.empty() ? help : " (" + help + ')')};
}

Result<void> join_groups(BoundSocket& socket, const SocketAddress& wanted,
                         const MulticastOptions& options) {
  if (!is_udp(socket.scheme)) return {};
  const auto memberships = memberships_of(wanted, options);
  if (!memberships) return tl::unexpected(memberships.error());
  if (is_multicast(wanted)) socket.address = on_interface(socket.address, memberships->front());
  for (const Membership& membership : *memberships) {
    auto joined = join(socket.fd.get(), membership, socket.inherited);
    if (!joined) return tl::unexpected(joined.error());
    socket.groups.push_back(std::move(*joined));
  }
  return {};
}

Result<BoundSocket> bind_address(const Url& url, const SocketAddress& address,
                                 const BindOptions& options) {
  UniqueFd fd(
      ::socket(address.family(), socket_type(url.scheme) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return tl::unexpected(bind_error(url, address, errno));
  if (address.family() == AF_INET6 &&
      !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, address.v6_only ? 1 : 0)) {
    return fail(errno, "bind " + url.text + ": IPV6_V6ONLY: " + errno_text(errno));
  }
  if (const auto done = configure_socket(fd.get(), url.scheme, options); !done)
    return bind_failure(url, done.error());
  const auto name = prepare_address(fd.get(), url, address, options);
  if (!name) return bind_failure(url, name.error());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name->storage), name->length) != 0) {
    return tl::unexpected(bind_error(url, address, errno));
  }
  BoundSocket bound;
  bound.address = bound_address(fd.get());
  bound.scheme = url.scheme;
  bound.receive_buffer_bytes = receive_buffer_bytes(fd.get());
  bound.fd = std::move(fd);
  if (const auto joined = join_groups(bound, address, options.multicast); !joined)
    return bind_failure(url, joined.error());
  bound.url = canonical_url(url.scheme, bound.address);
  return bound;
}

}  // namespace penstock
