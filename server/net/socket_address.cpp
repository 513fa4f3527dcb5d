#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "server/net/url.h"

namespace penstock {
namespace {

std::string inet4_text(const sockaddr_in& v4) {
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  return std::string(text) + ':' + std::to_string(ntohs(v4.sin_port));
}

/// With the interface's name, or its number where it is gone.
std::string inet6_text(const sockaddr_in6& v6) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  std::string zone;
  if (v6.sin6_scope_id != 0) {
    char name[IF_NAMESIZE] = {};
    zone =
        if_indextoname(v6.sin6_scope_id, name) != nullptr ? name : std::to_string(v6.sin6_scope_id);
    zone.insert(0, 1, '%');
  }
  return '[' + std::string(text) + zone + "]:" + std::to_string(ntohs(v6.sin6_port));
}

/// The path with `@` for the leading NUL of an abstract name; empty for an unbound socket.
std::string unix_text(const SocketAddress& address) {
  const auto name = address_as<sockaddr_un>(address);
  constexpr std::size_t kHead = offsetof(sockaddr_un, sun_path);
  if (address.length <= kHead) return {};
  const std::size_t size = std::min<std::size_t>(address.length - kHead, sizeof name.sun_path);
  if (name.sun_path[0] == '\0') return '@' + std::string(name.sun_path + 1, size - 1);
  return {name.sun_path, strnlen(name.sun_path, size)};
}

}  // namespace

bool same_address(const SocketAddress& a, const SocketAddress& b) noexcept {
  if (a.family() != b.family()) return false;
  if (a.family() == AF_INET) {
    const auto left = address_as<sockaddr_in>(a);
    const auto right = address_as<sockaddr_in>(b);
    return left.sin_port == right.sin_port && left.sin_addr.s_addr == right.sin_addr.s_addr;
  }
  if (a.family() == AF_INET6) {
    const auto left = address_as<sockaddr_in6>(a);
    const auto right = address_as<sockaddr_in6>(b);
    return left.sin6_port == right.sin6_port && left.sin6_scope_id == right.sin6_scope_id &&
           std::memcmp(&left.sin6_addr, &right.sin6_addr, sizeof left.sin6_addr) == 0;
  }
  return unix_text(a) == unix_text(b);
}

bool is_wildcard(const SocketAddress& address) noexcept {
  if (address.family() == AF_INET)
    return address_as<sockaddr_in>(address).sin_addr.s_addr == htonl(INADDR_ANY);
  if (address.family() != AF_INET6) return false;
  const auto v6 = address_as<sockaddr_in6>(address);
  return IN6_IS_ADDR_UNSPECIFIED(&v6.sin6_addr) != 0;
}

std::uint16_t port_of(const SocketAddress& address) noexcept {
  if (address.family() == AF_INET) return ntohs(address_as<sockaddr_in>(address).sin_port);
  if (address.family() == AF_INET6) return ntohs(address_as<sockaddr_in6>(address).sin6_port);
  return 0;
}

std::string canonical_url(Scheme scheme, const SocketAddress& address) {
  std::string url = std::string(to_string(scheme)) + "://";
  switch (address.family()) {
    case AF_INET: return url + inet4_text(address_as<sockaddr_in>(address));
    case AF_INET6: return url + inet6_text(address_as<sockaddr_in6>(address));
    default: return url + unix_text(address);
  }
}

}  // namespace penstock
