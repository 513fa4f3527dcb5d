#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/net/url.h"

/// Multicast on udp sockets (RFC 1112, RFC 4291 section 2.7; source-specific joins: RFC 3678, RFC 4607).
///
/// A URL whose address is a group binds to that group and joins it: such a socket takes that group's datagrams alone.
/// A wildcard socket takes unicast and the groups that its listener lists. No socket takes a group that only somebody
/// else has joined (IP_MULTICAST_ALL off).
///
/// IPv4 memberships are told apart by interface. The kernel does not do so for IPv6, so a socket bound to an IPv6 group
/// is bound to its interface too, where one is named. For an IPv6 group on a wildcard socket there is no such means: it
/// also takes the group's datagrams from an interface on which another program has joined it.
namespace penstock {

/// What a listener asks for besides the groups of its URLs. Texts as the operator wrote them.
struct MulticastOptions {
  std::vector<std::string> groups;  ///< IP literals, IPv6 with zone or without
  std::string interface;  ///< name, for groups without a zone; empty: by the system's route
  std::vector<std::string> sources;  ///< IP literals; each for the groups of its family; empty: any
};

MulticastOptions multicast_options(const config::Multicast& from);

/// A group as one socket joins it.
struct Membership {
  SocketAddress group;                 ///< port 0
  std::uint32_t interface = 0;         ///< index; 0: the kernel chooses by its route to the group
  std::vector<SocketAddress> sources;  ///< of the group's family; empty: any source
};

/// A membership that is in force, in words.
struct JoinedGroup {
  std::string text;  ///< `239.1.2.3 on eth0 from 10.0.0.7`
  std::string
      trouble;  ///< why nothing may come though joining went well: `eth0 is down`; mostly empty
};

/// 224.0.0.0/4 or ff00::/8.
bool is_multicast(const SocketAddress& address) noexcept;

/// Why a stream cannot stand on a group: `239.1.2.3 is a multicast address, which only udp can receive`.
std::string multicast_needs_udp(const SocketAddress& group);

/// An IPv6 group of interface-local or link-local scope: an address only together with an interface.
bool is_link_scoped_group(const SocketAddress& address) noexcept;

/// An IP literal as an address with port 0; looks its zone up. The error is the reason alone.
Result<SocketAddress> parse_ip(const std::string& text);

/// The address without port and URL: `239.1.2.3`, `ff02::1%eth0`.
std::string ip_text(const SocketAddress& address);

/// The interface and the sources of `options` for one group. Errors: an unknown interface, or another one than the
/// group's zone.
Result<Membership> membership_of(const SocketAddress& group, const MulticastOptions& options);

/// A socket bound to `bound` can take datagrams of `group`: a wildcard of its family, or bound to the group itself. Zones
/// are not looked at.
bool can_take(const SocketAddress& bound, const SocketAddress& group) noexcept;

/// All that a socket bound to `bound` joins: the group that it is bound to, or those of `options` that its families can
/// take where it is a wildcard. Others get none: the kernel would deliver nothing.
Result<std::vector<Membership>> memberships_of(const SocketAddress& bound,
                                               const MulticastOptions& options);

/// The address to bind to for `membership` of the group `address`: an IPv6 group has its interface as the zone, also
/// where the kernel makes nothing of it, so that the URL says which.
SocketAddress on_interface(const SocketAddress& address, const Membership& membership) noexcept;

/// The address of a socket bound to `address` as getsockname(2) gives it: IPv6 groups beyond the link have no zone.
Result<SocketAddress> bound_name(const SocketAddress& address, const MulticastOptions& options);

/// Only what this socket itself has joined. Kernels without the option deliver more; nothing to do about it.
void take_own_groups_only(int fd) noexcept;

/// Before binding to the group of `membership`: SO_REUSEADDR, as every receiver of a group does (each gets every
/// datagram, and no unicast can be stolen from a socket that takes none), and the interface for IPv6.
Result<void> prepare_group_socket(int fd, const Membership& membership);

/// Joins. A socket that was `inherited` may have joined in an earlier run: then what is there is made the same. Errors
/// read `join 239.1.2.3 on eth0: no buffer space available (net.ipv4.igmp_max_memberships is 20)`.
Result<JoinedGroup> join(int fd, const Membership& membership, bool inherited);

}  // namespace penstock
