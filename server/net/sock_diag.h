#pragma once

#include <cstddef>
#include <optional>

#include "server/net/url.h"

/// Questions to the kernel over NETLINK_SOCK_DIAG, for what no getsockopt tells. Each opens a netlink socket of its own
/// for some microseconds, needs no privilege and does not block. Any thread. kernel.h is the door to these.
namespace penstock::kernel::sock_diag {

/// TCP sockets in SYN_RECV for the local port of `address`, and for its IP unless that is the wildcard. `[::]` that is
/// not v6_only counts the half-open ones of IPv4 peers as well. nullopt: the kernel did not answer.
std::optional<std::size_t> half_open_count(const SocketAddress& address) noexcept;

/// Connections waiting at a listening unix socket (UDIAG_SHOW_RQLEN, found by inode). nullopt: it does not listen, or
/// the kernel did not answer.
std::optional<std::size_t> unix_accept_queue_length(int listener_fd) noexcept;

}  // namespace penstock::kernel::sock_diag
