#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>

#include "protocols/core/errno_text.h"
#include "server/net/socket_option.h"
#include "server/net/unique_fd.h"
#include "server/net/url.h"

namespace penstock {
namespace {

/// An IP address before it becomes something to bind. IPv4-mapped IPv6 is held as IPv4, as in Go.
struct ResolvedIp {
  bool v4 = false;
  in_addr v4_address{};
  in6_addr v6_address{};
  std::uint32_t scope_id = 0;

  bool unspecified() const noexcept {
    return v4 ? v4_address.s_addr == htonl(INADDR_ANY) : IN6_IS_ADDR_UNSPECIFIED(&v6_address) != 0;
  }
};

ResolvedIp from_v6(const in6_addr& address, std::uint32_t scope_id) noexcept {
  ResolvedIp ip{.v6_address = address, .scope_id = scope_id};
  if (!IN6_IS_ADDR_V4MAPPED(&address)) return ip;
  ip.v4 = true;
  std::memcpy(&ip.v4_address, address.s6_addr + 12, sizeof ip.v4_address);
  return ip;
}

bool parse_literal(const std::string& host, ResolvedIp& ip) noexcept {
  if (inet_pton(AF_INET, host.c_str(), &ip.v4_address) == 1) return ip.v4 = true;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  ip = from_v6(v6, 0);
  return true;
}

SocketAddress make_v4(in_addr ip, std::uint16_t port) noexcept {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  v4.sin_addr = ip;
  SocketAddress address;
  std::memcpy(&address.storage, &v4, sizeof v4);
  address.length = sizeof v4;
  return address;
}

SocketAddress make_v6(const in6_addr& ip, std::uint32_t scope_id, std::uint16_t port,
                      bool v6_only) noexcept {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  v6.sin6_addr = ip;
  v6.sin6_scope_id = scope_id;
  SocketAddress address;
  std::memcpy(&address.storage, &v6, sizeof v6);
  address.length = sizeof v6;
  address.v6_only = v6_only;
  return address;
}

bool takes_v4(Scheme s) noexcept { return s != Scheme::kTcp6 && s != Scheme::kUdp6; }
bool takes_v6(Scheme s) noexcept { return s != Scheme::kTcp4 && s != Scheme::kUdp4; }

/// One IP under one scheme: the rows of the table in FACTS.md's appendix. False: not for this scheme.
bool address_for(const Url& url, const ResolvedIp& ip, const InetSupport& support,
                 SocketAddress& out) noexcept {
  const bool both = takes_v4(url.scheme) && takes_v6(url.scheme);
  if (ip.unspecified() && both && (support.ipv6_sockets || !ip.v4)) {
    out = make_v6(in6addr_any, ip.scope_id, url.port, false);
    return true;
  }
  if (ip.v4) {
    out = make_v4(ip.v4_address, url.port);
    return takes_v4(url.scheme);
  }
  if (takes_v6(url.scheme)) {
    out = make_v6(ip.v6_address, ip.scope_id, url.port, true);
    return true;
  }
  out = make_v4({htonl(INADDR_ANY)}, url.port);  // tcp4://[::]:p is 0.0.0.0
  return ip.unspecified();
}

tl::unexpected<Error> bad(const Url& url, const std::string& why) {
  return fail(0, shown(url.text) + ": " + why);
}

tl::unexpected<Error> unsuitable(const Url& url) {
  const std::string base = is_tcp(url.scheme) ? "tcp" : "udp";
  const std::string family = takes_v4(url.scheme) ? "IPv4" : "IPv6";
  const std::string other = base + (takes_v4(url.scheme) ? '6' : '4');
  return bad(url, "no suitable address found: " + std::string(to_string(url.scheme)) + " takes " +
                      family + " only, use " + base + " or " + other + " for " + url.host);
}

/// A zone is an interface name, or its number.
Result<std::uint32_t> zone_index(const Url& url) {
  if (const unsigned index = if_nametoindex(url.zone.c_str()); index != 0) return index;
  std::uint32_t number = 0;
  const char* end = url.zone.data() + url.zone.size();
  const auto parsed = std::from_chars(url.zone.data(), end, number);
  if (parsed.ec == std::errc{} && parsed.ptr == end && number != 0) return number;
  return bad(url, "no network interface " + shown(url.zone));
}

Result<std::vector<SocketAddress>> resolve_literal(const Url& url, ResolvedIp ip,
                                                   const InetSupport& support) {
  if (!url.zone.empty()) {
    if (const auto zone = check_zone(url); !zone) return tl::unexpected(zone.error());
    const auto scope_id = zone_index(url);
    if (!scope_id) return tl::unexpected(scope_id.error());
    ip.scope_id = *scope_id;
  }
  SocketAddress address;
  if (!address_for(url, ip, support, address)) return unsuitable(url);
  return std::vector{address};
}

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

/// Every address of the name, whatever its family: the scheme chooses afterwards.
Result<std::vector<ResolvedIp>> look_up(const Url& url) {
  if (!is_host_name(url.host)) {
    return bad(url, "no such host " + shown(url.host) +
                        ": neither a host name nor an IP address (IPv4 is four decimal numbers "
                        "without leading zeros)");
  }
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = socket_type(url.scheme);
  addrinfo* found = nullptr;
  const int rc = getaddrinfo(url.host.c_str(), nullptr, &hints, &found);
  const int code = errno;
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  if (rc != 0) {
    const std::string why = rc == EAI_SYSTEM ? errno_text(code) : gai_strerror(rc);
    return bad(url, "no such host " + shown(url.host) + ": " + why);
  }
  std::vector<ResolvedIp> ips;
  for (const addrinfo* entry = list.get(); entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, entry->ai_addr, sizeof v4);
      ips.push_back({.v4 = true, .v4_address = v4.sin_addr});
    } else if (entry->ai_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, entry->ai_addr, sizeof v6);
      ips.push_back(from_v6(v6.sin6_addr, v6.sin6_scope_id));
    }
  }
  return ips;
}

/// IPv6 results that nothing here could bind, unless they are all there is.
void leave_out_unusable(std::vector<ResolvedIp>& ips, const Url& url, const InetSupport& support) {
  if (support.ipv6_sockets && support.ipv6_addresses) return;
  const auto is_v4 = [](const ResolvedIp& ip) { return ip.v4; };
  if (!takes_v4(url.scheme) || std::none_of(ips.begin(), ips.end(), is_v4)) return;
  ips.erase(std::remove_if(ips.begin(), ips.end(), [](const ResolvedIp& ip) { return !ip.v4; }),
            ips.end());
}

Result<std::vector<SocketAddress>> resolve_name(const Url& url, const InetSupport& support) {
  auto ips = look_up(url);
  if (!ips) return tl::unexpected(ips.error());
  leave_out_unusable(*ips, url, support);
  std::vector<SocketAddress> addresses;
  for (const ResolvedIp& ip : *ips) {
    SocketAddress address;
    if (!address_for(url, ip, support, address)) continue;
    const auto same = [&](const SocketAddress& other) { return same_address(address, other); };
    if (std::none_of(addresses.begin(), addresses.end(), same)) addresses.push_back(address);
  }
  if (addresses.empty()) return unsuitable(url);
  return addresses;
}

/// parse_url has checked that it fits.
SocketAddress unix_address(const std::string& path) noexcept {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  const std::size_t size = std::min(path.size(), sizeof name.sun_path);
  std::memcpy(name.sun_path, path.data(), size);
  const bool abstract = !path.empty() && path.front() == '@';
  if (abstract) name.sun_path[0] = '\0';
  SocketAddress address;
  std::memcpy(&address.storage, &name, sizeof name);
  // A path counts its NUL, an abstract name is exactly its bytes.
  address.length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + (abstract ? 0 : 1));
  return address;
}

}  // namespace

bool is_host_name(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.size() > 253) return false;
  std::size_t label = 0;
  bool letters = false;
  for (const char c : host) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    const bool digit = byte < 0x80 && std::isdigit(byte) != 0;
    if (!digit && c != '-' && c != '_' && (byte >= 0x80 || std::isalpha(byte) == 0)) return false;
    letters = letters || !digit;
    if (++label > 63) return false;
  }
  in_addr ignored{};
  return label > 0 && letters && inet_aton(std::string(host).c_str(), &ignored) == 0;
}

InetSupport InetSupport::of_this_machine() {
  InetSupport support;
  const UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  support.ipv6_sockets = fd && set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  std::ifstream addresses("/proc/net/if_inet6");
  std::string first;
  support.ipv6_addresses = static_cast<bool>(std::getline(addresses, first));
  return support;
}

Result<void> check_zone(const Url& url) {
  ResolvedIp ip;
  if (url.zone.empty() || !parse_literal(url.host, ip)) return {};
  if (ip.v4)
    return bad(url, "only IPv6 addresses have zones, and " + url.host + " stands for IPv4");
  if (!takes_v6(url.scheme)) return unsuitable(url);
  return {};
}

bool needs_lookup(const Url& url) {
  ResolvedIp ignored;
  return !is_unix(url.scheme) && !url.host.empty() && !parse_literal(url.host, ignored);
}

Result<std::vector<SocketAddress>> resolve(const Url& url) {
  return resolve(url, InetSupport::of_this_machine());
}

Result<std::vector<SocketAddress>> resolve(const Url& url, const InetSupport& support) {
  if (is_unix(url.scheme)) return std::vector{unix_address(url.path)};
  ResolvedIp ip;
  if (url.host.empty()) {
    ip.v4 = takes_v4(url.scheme);
    return resolve_literal(url, ip, support);
  }
  if (parse_literal(url.host, ip)) return resolve_literal(url, ip, support);
  return resolve_name(url, support);
}

}  // namespace penstock
