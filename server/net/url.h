#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "protocols/core/result.h"

namespace penstock {

enum class Scheme : std::uint8_t {
  kTcp,
  kTcp4,
  kTcp6,
  kUdp,
  kUdp4,
  kUdp6,
  kUnix,
  kUnixgram,
  kUnixpacket
};

std::string_view to_string(Scheme scheme) noexcept;
constexpr bool is_tcp(Scheme s) noexcept { return s <= Scheme::kTcp6; }
constexpr bool is_udp(Scheme s) noexcept { return s >= Scheme::kUdp && s <= Scheme::kUdp6; }
constexpr bool is_unix(Scheme s) noexcept { return s >= Scheme::kUnix; }
constexpr bool is_datagram(Scheme s) noexcept { return is_udp(s) || s == Scheme::kUnixgram; }
/// A byte stream: needs framing. Everything else keeps message boundaries.
constexpr bool is_stream(Scheme s) noexcept { return is_tcp(s) || s == Scheme::kUnix; }
/// SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET.
int socket_type(Scheme s) noexcept;

/// One `listen` URL, split but not resolved. Grammar: Go's net.Listen with the differences of DESIGN.md section 2.
struct Url {
  Scheme scheme = Scheme::kTcp;
  std::string host;  ///< inet schemes: without brackets and zone; empty is the wildcard
  std::string zone;  ///< IPv6 zone, empty where there is none
  std::uint16_t port = 0;
  std::string path;  ///< unix schemes: `/abs`, `./relative` or `@abstract`, as written
  std::string text;  ///< as written by the operator
};

/// In double quotes for a message, escaped as in_quotes() does; whole up to 256 bytes.
std::string shown(std::string_view text);

/// Splits at the first `://`; looks service names up by protocol. Errors name what is wrong and what would be right.
Result<Url> parse_url(std::string_view text);

/// One address to bind or to connect to.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  bool v6_only = false;  ///< IPV6_V6ONLY to set on AF_INET6 sockets

  int family() const noexcept { return storage.ss_family; }
};

/// As the family's own type. Copied out rather than cast: sockaddr_storage and the wider types are different objects to
/// the compiler.
template <class T>
T address_as(const SocketAddress& address) noexcept {
  T typed{};
  static_assert(sizeof typed <= sizeof address.storage);
  std::memcpy(&typed, &address.storage, sizeof typed);
  return typed;
}

/// What the kernel of this machine (this network namespace) offers.
struct InetSupport {
  bool ipv6_sockets = true;    ///< AF_INET6 sockets exist and can be dual-stack
  bool ipv6_addresses = true;  ///< some interface, loopback included, has an IPv6 address

  static InetSupport of_this_machine();
};

/// True where resolve() must ask the system's resolver: the host is neither empty nor a literal.
bool needs_lookup(const Url& url);

/// What is wrong with a zone whatever interfaces there are: an address that stands for IPv4, or a scheme that
/// takes IPv4 only. Nothing where there is no zone.
Result<void> check_zone(const Url& url);

/// A name that the resolver may be asked for (Go's isDomainName): `127.1`, `0x7f.1` and `*` are not, though
/// getaddrinfo(3) takes some of them for addresses.
bool is_host_name(std::string_view host);

/// All the addresses that `url` binds (FACTS.md appendix; a host name binds all its addresses, each once, in the
/// resolver's order). Never empty. May block on the resolver where needs_lookup(). Without AF_INET6 sockets the
/// wildcard of `tcp` and `udp` is 0.0.0.0. Without any IPv6 address a name's IPv6 addresses (`::1 localhost` in the
/// hosts file of a container) are left out as long as it has others. Errors quote the URL as written.
Result<std::vector<SocketAddress>> resolve(const Url& url);
Result<std::vector<SocketAddress>> resolve(const Url& url, const InetSupport& support);

/// Same family, address, port and zone, or the same path; v6_only is not looked at.
bool same_address(const SocketAddress& a, const SocketAddress& b) noexcept;

/// 0.0.0.0 or [::].
bool is_wildcard(const SocketAddress& address) noexcept;

/// In host order; 0 for unix.
std::uint16_t port_of(const SocketAddress& address) noexcept;

/// The URL of a bound address: `tcp://127.0.0.1:40001`, `tcp://[::]:514`, `unix:///run/x.sock`, `unixgram://@name`.
std::string canonical_url(Scheme scheme, const SocketAddress& address);

}  // namespace penstock
