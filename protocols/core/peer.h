#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

struct sockaddr;

namespace penstock {

/// The other end of a connection, or the sender of a datagram. A plain value: segments and quarantine entries
/// carry it by copy, so that it outlives its connection. IPv4-mapped IPv6 addresses are held as IPv4.
struct Peer {
  enum class Kind : std::uint8_t { kNone, kInet4, kInet6, kUnix };

  Kind kind = Kind::kNone;
  std::uint16_t port = 0;      ///< host order; 0 for unix
  std::uint32_t scope_id = 0;  ///< IPv6 zone, 0 where there is none
  /// Network order; IPv4 uses the first four bytes. Unix peers have no address: theirs is the command's name, see
  /// set_command().
  std::array<std::uint8_t, 16> address{};
  std::int32_t pid = 0;  ///< unix only: SO_PEERCRED at connect, SCM_CREDENTIALS per datagram
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;

  friend bool operator==(const Peer&, const Peer&) = default;
};
static_assert(std::is_trivially_copyable_v<Peer>);

/// From what accept4 or recvmsg stored; AF_UNIX gives Kind::kUnix without credentials, a null or short address kNone.
Peer peer_from_sockaddr(const sockaddr* address, std::uint32_t length) noexcept;

/// What the kernel calls the process of a unix peer (TASK_COMM_LEN: at most 15 bytes, longer ones are cut; any bytes but
/// NUL, UTF-8 or not). Kept in the sixteen bytes that hold an address otherwise, so that segments do not grow by it.
void set_command(Peer& peer, std::string_view command) noexcept;
/// Empty where it is not known, and of other peers. Lives as long as `peer`.
std::string_view command_of(const Peer& peer) noexcept;

/// Address alone, as a path template shows it: `192.0.2.1`, `2001:db8::1`, `uid-1000`, `unknown`.
std::string address_text(const Peer& peer);

/// The same, with the zone of an IPv6 address where there is one: `fe80::1%2`.
std::string zoned_address_text(const Peer& peer);

/// With port or credentials, as logs show it: `192.0.2.1:5514`, `[fe80::1%2]:5514`, `pid=7,uid=0,gid=0`, `unknown`.
std::string to_string(const Peer& peer);

}  // namespace penstock
