#pragma once

#include <string>

#include "server/net/socket_source.h"

namespace penstock {

/// Sets what Penstock wants of any socket of its own: SO_REUSEADDR on tcp (on udp a second socket could steal the
/// traffic, FACTS.md 31: only sockets bound to a group have it), SO_BROADCAST and no groups of others on udp, SO_PASSCRED on unixgram (stream and unixpacket have SO_PEERCRED, and
/// with SO_PASSCRED a stream read would end wherever the sending process changes), UDP_GRO and the receive buffer when
/// asked. The error is the reason alone: `UDP_GRO: protocol not available`.
Result<void> configure_socket(int fd, Scheme scheme, const BindOptions& options);

/// Joins the groups of a udp socket that is bound to `wanted` and notes them in it; nothing to do for others. The address
/// of an IPv6 group gets its interface as zone. The error is the reason alone: `join 239.1.2.3 on eth0: ...`.
Result<void> join_groups(BoundSocket& socket, const SocketAddress& wanted,
                         const MulticastOptions& options);

/// SO_RCVBUF as the kernel has it now: about twice what was asked for (FACTS.md 25). 0 on error.
std::size_t receive_buffer_bytes(int fd) noexcept;

/// The address getsockname(2) gives, with IPV6_V6ONLY. Length 0 on error.
SocketAddress bound_address(int fd) noexcept;

/// One inet socket or abstract unix socket: created, configured, bound, not listening. Errors read
/// `bind URL: reason`; with a host name the address follows the URL.
Result<BoundSocket> bind_address(const Url& url, const SocketAddress& address,
                                 const BindOptions& options);

/// One unix socket with a file. Nothing is touched when the path is refused; a stale file is replaced under the lock.
/// The file has mode 0 until owner, group and mode are right.
Result<BoundSocket> bind_path(const Url& url, const SocketAddress& address,
                              const BindOptions& options);

/// `bind URL: permission denied (...)`, with what an operator can do about `code`, and who is in the way.
Error bind_error(const Url& url, const SocketAddress& address, int code);

/// Ids for `owner` and `group`; -1 leaves them as they are.
struct FileOwner {
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
};

/// Looks up names or takes numbers. The error is the reason alone: `no such user "syslogg"`.
Result<FileOwner> find_owner(const std::string& owner, const std::string& group);

}  // namespace penstock
