#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "server/net/unique_fd.h"

/// All sockets of one kind with what the kernel holds of them, by a dump over NETLINK_SOCK_DIAG: some 15 ms for 10,000
/// (FACTS.md 43 to 46). Needs no privilege. Any thread; nothing is done to the sockets.
namespace penstock::kernel {

/// What `ss` shows of a socket.
struct KernelSocket {
  std::uint64_t cookie = 0;  ///< as SO_COOKIE gives it
  std::uint32_t inode = 0;   ///< 0: no descriptor has it (in an accept queue, or closed)
  std::uint8_t state = 0;    ///< TCP_ESTABLISHED, ... of <netinet/tcp.h>, for all kinds
  /// Recv-Q. Stream: unread bytes (tcp counts a FIN as one); udp: what the buffer is charged with; unixgram: bytes of
  /// the next datagram; listening: connections in the accept queue.
  std::uint32_t receive_queue = 0;
  std::uint32_t send_queue = 0;            ///< Send-Q; listening: the backlog
  std::uint32_t receive_buffer_bytes = 0;  ///< sk_rcvbuf
  std::uint32_t receive_fill_bytes = 0;    ///< sk_rmem_alloc, overhead included; 0 for unix
  std::uint32_t drops = 0;                 ///< sk_drops, modulo 2^32
};

/// The name of a state as `ss` has it: `ESTAB`, `LISTEN`, `UNCONN`, ...; `UNKNOWN` for others.
std::string_view state_name(std::uint8_t state) noexcept;
constexpr bool is_listening(const KernelSocket& socket) noexcept { return socket.state == 10; }

struct InetSocket : KernelSocket {
  int family = 0;
  std::uint16_t port = 0;               ///< local, host order
  std::array<std::byte, 16> address{};  ///< local; IPv4 in the first four
};

/// What a socket in the file system or a name without one tells it by. An accepted socket has its listener's.
struct UnixName {
  std::uint32_t file_inode = 0, device = 0;  ///< of the socket file; 0: none
  std::string_view abstract;                 ///< without its leading NUL; lives during the visit

  bool empty() const noexcept { return file_inode == 0 && abstract.empty(); }
};

struct UnixSocket : KernelSocket {
  UnixName name;
};

enum class InetKind : std::uint8_t { kTcp, kUdp };

/// Asks for dumps, on a netlink socket that is kept: what is to be seen when no descriptor is left, can be seen. One
/// thread at a time.
class SocketDump {
 public:
  SocketDump() noexcept;

  /// The tcp (or udp) sockets of `family` whose local port is one of `ports` (the kernel leaves out all others), without
  /// those in SYN-RECV and TIME-WAIT. False: the kernel did not answer.
  bool inet(InetKind kind, int family, std::span<const std::uint16_t> ports,
            const std::function<void(const InetSocket&)>& visit);

  /// All unix sockets of the network namespace that have a name, or have it from their listener; those in an accept
  /// queue are not shown by the kernel.
  bool unix_domain(const std::function<void(const UnixSocket&)>& visit);

 private:
  template <class Request, class Visit>
  bool ask(const Request& request, Visit&& visit, std::span<const std::byte> attributes);

  UniqueFd socket_;  // empty: to be opened
};

// The answers themselves: an inet_diag_msg or unix_diag_msg with its attributes. nullopt: too short.
std::optional<InetSocket> parse_inet(std::span<const std::byte> answer) noexcept;
std::optional<UnixSocket> parse_unix(std::span<const std::byte> answer) noexcept;

/// The kernel's filter program that lets sockets with these local ports pass; empty for none or too many ports.
std::vector<std::byte> port_filter(std::span<const std::uint16_t> ports);

}  // namespace penstock::kernel
