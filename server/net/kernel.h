#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "server/net/url.h"

/// Linux calls of the stop sequences and the socket gauges, each thin and named for what it does. Numbers in the
/// comments are facts of FACTS.md. Any thread; none blocks; none logs. `fd` stays the caller's.
namespace penstock::kernel {

/// How a TCP socket was made to take no new data.
enum class FreezeWay : std::uint8_t {
  kFilter,  ///< SO_ATTACH_FILTER (CAP_NET_ADMIN): ACK and FIN still pass
  kMinTtl,  ///< IP_MINTTL / IPV6_MINHOPCOUNT 255 (no privilege): everything below TTL 255 is discarded
  kNone,  ///< neither worked
};

/// Drops segments with payload before they are acknowledged (5). kMinTtl is taken only when `fin_acknowledged`
/// (TCP_INFO state FIN_WAIT2 and SIOCOUTQ 0: set earlier it drops the ACKs of our own FIN: 11); else kNone.
FreezeWay freeze_tcp(int fd) noexcept;

/// Drops new SYNs at a TCP listener; handshakes in progress go on (16, 18). kMinTtl sets 255 on the listener.
FreezeWay refuse_new_tcp(int listener_fd) noexcept;

/// On a connection accepted from a listener after refuse_new_tcp: takes the inherited filter or MINTTL away (16, 18).
void thaw_accepted_tcp(int fd) noexcept;

/// UDP: SO_ATTACH_FILTER {ret 0}; unprivileged (29). False on error.
bool freeze_udp(int fd) noexcept;

/// TCP_LINGER2 = 120 s: a closed socket stays a full FIN_WAIT2 one for 60 s, so that frozen peers get no RST (6).
void linger_after_close(int fd) noexcept;

/// What TCP_INFO says of a connection.
struct TcpState {
  std::uint8_t state = 0;  ///< TCP_ESTABLISHED, TCP_FIN_WAIT2, ... of <netinet/tcp.h>
  std::uint64_t bytes_received =
      0;  ///< tcpi_bytes_received: equals bytes read by recv, plus 1 if EOF was read
  std::uint64_t bytes_acked = 0;
  std::uint32_t unacked = 0;  ///< listener: accept queue length (43)
  std::uint32_t sacked = 0;   ///< listener: backlog
};
std::optional<TcpState> tcp_state(int fd) noexcept;

/// Our FIN is acknowledged: FIN_WAIT2 (or further) and nothing unacknowledged.
bool fin_acknowledged(int fd) noexcept;

/// SIOCINQ: unread bytes of tcp, unix and unixpacket; size of the next datagram for udp and unixgram. 0 on error.
std::size_t receive_queue_bytes(int fd) noexcept;

/// SIOCOUTQ: bytes not yet acknowledged (tcp) or not yet read (unix). 0 on error.
std::size_t send_queue_bytes(int fd) noexcept;

/// SO_MEMINFO's drop counter of a datagram socket (27), modulo 2^32; 0 on error.
std::uint32_t socket_drops(int fd) noexcept;

/// SO_COOKIE: the number by which sock_diag knows the socket, whatever its kind; never given twice. 0 on error.
std::uint64_t socket_cookie(int fd) noexcept;

/// Number of sockets in SYN_RECV for the local port, by sock_diag (16). nullopt when the kernel did not answer.
std::optional<std::size_t> half_open_count(const SocketAddress& address) noexcept;

/// Length of the accept queue: TCP_INFO for tcp, unix_diag UDIAG_SHOW_RQLEN for unix stream and seqpacket (43, 45).
std::optional<std::size_t> accept_queue_length(int listener_fd, Scheme scheme) noexcept;

/// Largest number of descriptors: raises RLIMIT_NOFILE to its hard limit and gives it.
std::size_t raise_descriptor_limit() noexcept;

}  // namespace penstock::kernel
