#include "server/net/multicast.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>

#include "protocols/core/errno_text.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

std::uint32_t scope_of(const SocketAddress& address) noexcept {
  return address.family() == AF_INET6 ? address_as<sockaddr_in6>(address).sin6_scope_id : 0;
}

int level_of(const SocketAddress& group) noexcept {
  return group.family() == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
}

std::string interface_name(std::uint32_t index) {
  char name[IF_NAMESIZE] = {};
  return if_indextoname(index, name) != nullptr ? name : std::to_string(index);
}

/// The group's zone and the listener's interface, which must not contradict each other.
Result<std::uint32_t> interface_of(const SocketAddress& group, const std::string& interface) {
  const std::uint32_t zone = scope_of(group);
  if (interface.empty()) return zone;
  const unsigned index = if_nametoindex(interface.c_str());
  if (index == 0) return fail(ENODEV, "no network interface " + shown(interface));
  if (zone != 0 && zone != index) {
    return fail(0, "multicast.interface is " + shown(interface) + ", but the zone of " +
                       ip_text(group) + " says " + shown(interface_name(zone)));
  }
  return index;
}

SocketAddress with_scope(SocketAddress address, std::uint32_t scope_id) noexcept {
  auto v6 = address_as<sockaddr_in6>(address);
  v6.sin6_scope_id = scope_id;
  std::memcpy(&address.storage, &v6, sizeof v6);
  return address;
}

/// Without port and zone: what the kernel compares.
SocketAddress bare(SocketAddress address) noexcept {
  if (address.family() == AF_INET6) address = with_scope(address, 0);
  // The port is at the same place in both families.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  std::memset(reinterpret_cast<char*>(&address.storage) + offsetof(sockaddr_in, sin_port), 0,
              sizeof(in_port_t));
  return address;
}

std::string joined_text(const Membership& membership) {
  std::string text = ip_text(bare(membership.group));
  text += membership.interface != 0 ? " on " + interface_name(membership.interface)
                                    : " on the interface of its route";
  const char* before = " from ";
  for (const SocketAddress& source : membership.sources) {
    text += before + ip_text(source);
    before = ", ";
  }
  return text;
}

// --- why a join fails, or brings nothing ------------------------------------------------------------------------

std::string limit_text(const char* name) {
  std::string path = std::string("/proc/sys/") + name;
  for (char& c : path) c = c == '.' ? '/' : c;
  std::ifstream file(path);
  std::string value;
  return file >> value ? std::string(name) + " is " + value : name;
}

/// `source`: in the order of the membership; the first join of a group takes a place among the memberships.
std::string hint(const Membership& membership, std::size_t source, int code) {
  const bool v4 = membership.group.family() == AF_INET;
  switch (code) {
    case ENODEV:
      if (membership.interface != 0)
        return v4 ? "that interface has no IPv4" : "that interface has no IPv6";
      return "no route to it: name the interface in multicast.interface, or add a route to " +
             std::string(v4 ? "224.0.0.0/4" : "ff00::/8");
    case ENOBUFS:
      if (source > 0) return limit_text(v4 ? "net.ipv4.igmp_max_msf" : "net.ipv6.mld_max_msf");
      return v4 ? limit_text("net.ipv4.igmp_max_memberships") : "";
    case ENOMEM: return limit_text("net.core.optmem_max");
    default: return {};
  }
}

tl::unexpected<Error> join_error(const Membership& membership, std::size_t source, int code) {
  const std::string help = hint(membership, source, code);
  return fail(code, "join " + joined_text(membership) + ": " + errno_text(code) +
                        (help.empty() ? help : " (" + help + ')'));
}

struct FreeInterfaces {
  void operator()(ifaddrs* list) const noexcept { freeifaddrs(list); }
};

std::string trouble_with(const Membership& membership) {
  if (membership.interface == 0) return {};
  const std::string name = interface_name(membership.interface);
  ifaddrs* found = nullptr;
  if (::getifaddrs(&found) != 0) return {};
  const std::unique_ptr<ifaddrs, FreeInterfaces> list(found);
  const int family = membership.group.family();
  unsigned flags = 0;
  bool has_address = false;
  for (const ifaddrs* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_name != name) continue;
    flags = entry->ifa_flags;
    has_address =
        has_address || (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == family);
  }
  if ((flags & IFF_UP) == 0) return name + " is down";
  if ((flags & (IFF_MULTICAST | IFF_LOOPBACK)) == 0) return name + " does not carry multicast";
  if (!has_address)
    return name + " has no " + (family == AF_INET ? "IPv4" : "IPv6") + std::string(" address");
  return {};
}

// --- system calls -----------------------------------------------------------------------------------------------

bool join_any(int fd, const Membership& membership) noexcept {
  group_req request{};
  request.gr_interface = membership.interface;
  request.gr_group = membership.group.storage;
  return ::setsockopt(fd, level_of(membership.group), MCAST_JOIN_GROUP, &request, sizeof request) ==
         0;
}

bool join_source(int fd, const Membership& membership, const SocketAddress& source) noexcept {
  group_source_req request{};
  request.gsr_interface = membership.interface;
  request.gsr_group = membership.group.storage;
  request.gsr_source = source.storage;
  return ::setsockopt(fd, level_of(membership.group), MCAST_JOIN_SOURCE_GROUP, &request,
                      sizeof request) == 0;
}

/// Makes a membership that exists already take exactly these sources. False: there is none.
bool adjust(int fd, const Membership& membership) {
  std::vector<sockaddr_storage> sources;
  for (const SocketAddress& source : membership.sources) sources.push_back(source.storage);
  const std::uint32_t mode = sources.empty() ? MCAST_EXCLUDE : MCAST_INCLUDE;
  return ::setsourcefilter(fd, membership.interface,
                           reinterpret_cast<const sockaddr*>(&membership.group.storage),
                           membership.group.length, mode,
                           static_cast<std::uint32_t>(sources.size()), sources.data()) == 0;
}

}  // namespace

bool is_multicast(const SocketAddress& address) noexcept {
  if (address.family() == AF_INET)
    return IN_MULTICAST(ntohl(address_as<sockaddr_in>(address).sin_addr.s_addr));
  if (address.family() != AF_INET6) return false;
  const auto v6 = address_as<sockaddr_in6>(address);
  return IN6_IS_ADDR_MULTICAST(&v6.sin6_addr);
}

std::string multicast_needs_udp(const SocketAddress& group) {
  return ip_text(bare(group)) + " is a multicast address, which only udp can receive";
}

bool is_link_scoped_group(const SocketAddress& address) noexcept {
  if (address.family() != AF_INET6) return false;
  const auto v6 = address_as<sockaddr_in6>(address);
  return IN6_IS_ADDR_MC_NODELOCAL(&v6.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&v6.sin6_addr);
}

Result<SocketAddress> parse_ip(const std::string& text) {
  Url url{.scheme = Scheme::kUdp, .host = text, .text = text};
  if (text.find(':') != std::string::npos) {
    const std::size_t percent = text.rfind('%');
    url.host = text.substr(0, percent);
    if (percent != std::string::npos) url.zone = text.substr(percent + 1);
    if (percent != std::string::npos && url.zone.empty())
      return fail(0, shown(text) + ": empty zone");
  }
  if (url.host.empty() || needs_lookup(url)) return fail(0, shown(text) + " is not an IP address");
  const auto addresses = resolve(url, InetSupport{});
  if (!addresses) return tl::unexpected(addresses.error());
  return addresses->front();
}

std::string ip_text(const SocketAddress& address) {
  const std::string url = canonical_url(Scheme::kUdp, address);
  const std::size_t from = url.find("://") + 3;
  const std::string host = url.substr(from, url.rfind(':') - from);
  return host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

MulticastOptions multicast_options(const config::Multicast& from) {
  MulticastOptions options;
  for (const auto& group : from.groups) options.groups.push_back(group.text);
  options.interface = from.interface;
  for (const auto& source : from.sources) options.sources.push_back(source.text);
  return options;
}

bool can_take(const SocketAddress& bound, const SocketAddress& group) noexcept {
  if (!is_wildcard(bound)) return is_multicast(bound) && same_address(bare(bound), bare(group));
  if (bound.family() == AF_INET) return group.family() == AF_INET;
  return group.family() == AF_INET6 || !bound.v6_only;
}

Result<Membership> membership_of(const SocketAddress& group, const MulticastOptions& options) {
  const auto interface = interface_of(group, options.interface);
  if (!interface) return tl::unexpected(interface.error());
  Membership membership{.group = bare(group), .interface = *interface, .sources = {}};
  for (const std::string& text : options.sources) {
    const auto source = parse_ip(text);
    if (!source) return tl::unexpected(source.error());
    if (source->family() == group.family()) membership.sources.push_back(*source);
  }
  return membership;
}

Result<std::vector<Membership>> memberships_of(const SocketAddress& bound,
                                               const MulticastOptions& options) {
  std::vector<Membership> memberships;
  const auto add = [&](const SocketAddress& group) -> Result<void> {
    auto membership = membership_of(group, options);
    if (!membership) return tl::unexpected(membership.error());
    memberships.push_back(std::move(*membership));
    return {};
  };
  if (is_multicast(bound)) {
    if (auto added = add(bound); !added) return tl::unexpected(added.error());
  }
  if (!is_wildcard(bound)) return memberships;
  for (const std::string& text : options.groups) {
    const auto group = parse_ip(text);
    if (!group) return tl::unexpected(group.error());
    if (!can_take(bound, *group)) continue;
    if (auto added = add(*group); !added) return tl::unexpected(added.error());
  }
  return memberships;
}

SocketAddress on_interface(const SocketAddress& address, const Membership& membership) noexcept {
  return address.family() == AF_INET6 ? with_scope(address, membership.interface) : address;
}

Result<SocketAddress> bound_name(const SocketAddress& address, const MulticastOptions& options) {
  if (!is_multicast(address) || address.family() != AF_INET6) return address;
  if (!is_link_scoped_group(address)) return with_scope(address, 0);
  const auto membership = membership_of(address, options);
  if (!membership) return tl::unexpected(membership.error());
  return on_interface(address, *membership);
}

void take_own_groups_only(int fd) noexcept {
  set_option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
  set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
}

Result<void> prepare_group_socket(int fd, const Membership& membership) {
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1))
    return fail(errno, "SO_REUSEADDR: " + errno_text(errno));
  if (membership.group.family() != AF_INET6 || membership.interface == 0) return {};
  if (!set_option(fd, SOL_SOCKET, SO_BINDTOIFINDEX, static_cast<int>(membership.interface)))
    return fail(errno, "SO_BINDTOIFINDEX: " + errno_text(errno));
  return {};
}

Result<JoinedGroup> join(int fd, const Membership& membership, bool inherited) {
  JoinedGroup joined{.text = joined_text(membership), .trouble = trouble_with(membership)};
  if (inherited && adjust(fd, membership)) return joined;
  if (membership.sources.empty() && !join_any(fd, membership))
    return join_error(membership, 0, errno);
  for (std::size_t i = 0; i < membership.sources.size(); ++i) {
    if (!join_source(fd, membership, membership.sources[i]))
      return join_error(membership, i, errno);
  }
  return joined;
}

}  // namespace penstock
