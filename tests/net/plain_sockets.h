#pragma once

#include <cstdint>
#include <string>

#include "server/net/unique_fd.h"
#include "server/net/url.h"

/// Sockets by bare system calls, for tests of what the kernel does with them. `ip` is an IPv4 or IPv6 literal, `type`
/// SOCK_STREAM or SOCK_DGRAM.
namespace penstock::test {

SocketAddress inet_address(const std::string& ip, std::uint16_t port);
const sockaddr* raw(const SocketAddress& address);
std::uint16_t port_of(int fd);

/// At a free port of `ip`, dual-stack for "::"; listening where it is a stream. Does not block.
UniqueFd bound(const std::string& ip, int type);

/// Blocks; empty where the connect failed.
UniqueFd connected(const std::string& ip, std::uint16_t port, int type);

/// A connect whose SYN-ACKs are dropped: half-open at the listener until SO_DETACH_FILTER. Does not block.
UniqueFd half_open(const std::string& ip, std::uint16_t port);

/// The next connection of `listener`, waited for up to five seconds. Does not block.
UniqueFd accepted(int listener);

/// Reads what is there now, as one number of bytes; -1 where that failed.
long drain(int fd);

}  // namespace penstock::test
