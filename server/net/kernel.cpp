#include "server/net/kernel.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>  // not <netinet/tcp.h>: glibc's struct tcp_info ends before tcpi_bytes_received
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "server/net/sock_diag.h"
#include "server/net/socket_option.h"

namespace penstock::kernel {
namespace {

constexpr std::uint8_t kFinWait2 = 5;  // TCP_FIN_WAIT2, TCP_CLOSE and TCP_LISTEN of <netinet/tcp.h>
constexpr std::uint8_t kClosed = 7;
constexpr std::uint8_t kListen = 10;

constexpr std::uint32_t kPass = 0xFFFFFFFF;
constexpr std::uint32_t kDiscard = 0;
constexpr int kMaxTtl = 255;
constexpr int kLongestFinWait2Seconds = 120;

// Offsets count from the TCP header, for IPv4 and IPv6 alike.

/// Length less header length (the upper half of byte 12, in words) is not 0: discard.
constexpr std::array kDropPayload{
    sock_filter{BPF_LD | BPF_B | BPF_ABS, 0, 0, 12},
    sock_filter{BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xF0},
    sock_filter{BPF_ALU | BPF_RSH | BPF_K, 0, 0, 2},
    sock_filter{BPF_MISC | BPF_TAX, 0, 0, 0},
    sock_filter{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0},
    sock_filter{BPF_ALU | BPF_SUB | BPF_X, 0, 0, 0},
    sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0},
    sock_filter{BPF_RET | BPF_K, 0, 0, kPass},
    sock_filter{BPF_RET | BPF_K, 0, 0, kDiscard},
};

/// SYN without ACK in byte 13: discard.
constexpr std::array kDropSyn{
    sock_filter{BPF_LD | BPF_B | BPF_ABS, 0, 0, 13},
    sock_filter{BPF_ALU | BPF_AND | BPF_K, 0, 0, 0x12},
    sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0x02},
    sock_filter{BPF_RET | BPF_K, 0, 0, kDiscard},
    sock_filter{BPF_RET | BPF_K, 0, 0, kPass},
};

constexpr std::array kDropAll{sock_filter{BPF_RET | BPF_K, 0, 0, kDiscard}};

template <std::size_t N>
bool attach(int fd, std::array<sock_filter, N> program) noexcept {
  const sock_fprog filter{.len = N, .filter = program.data()};
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

/// AF_INET6 sockets need both: what comes from IPv4 peers of a dual-stack socket is judged by IP_MINTTL (11).
bool set_min_ttl(int fd, int ttl) noexcept {
  if (get_option(fd, SOL_SOCKET, SO_DOMAIN) != AF_INET6)
    return set_option(fd, IPPROTO_IP, IP_MINTTL, ttl);
  const bool v6 = set_option(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, ttl);
  const bool v4 = set_option(fd, IPPROTO_IP, IP_MINTTL, ttl);
  return v6 && v4;
}

std::size_t queued_bytes(int fd, unsigned long request) noexcept {
  int bytes = 0;
  if (::ioctl(fd, request, &bytes) != 0) return 0;
  return static_cast<std::size_t>(std::max(bytes, 0));
}

}  // namespace

FreezeWay freeze_tcp(int fd) noexcept {
  if (attach(fd, kDropPayload)) return FreezeWay::kFilter;
  if (fin_acknowledged(fd) && set_min_ttl(fd, kMaxTtl)) return FreezeWay::kMinTtl;
  return FreezeWay::kNone;
}

FreezeWay refuse_new_tcp(int listener_fd) noexcept {
  if (attach(listener_fd, kDropSyn)) return FreezeWay::kFilter;
  return set_min_ttl(listener_fd, kMaxTtl) ? FreezeWay::kMinTtl : FreezeWay::kNone;
}

void thaw_accepted_tcp(int fd) noexcept {
  set_option(fd, SOL_SOCKET, SO_DETACH_FILTER, 0);  // ENOENT where it came before the filter
  set_min_ttl(fd, 0);
}

bool freeze_udp(int fd) noexcept { return attach(fd, kDropAll); }

void linger_after_close(int fd) noexcept {
  set_option(fd, IPPROTO_TCP, TCP_LINGER2, kLongestFinWait2Seconds);
}

std::optional<TcpState> tcp_state(int fd) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) return {};
  return TcpState{.state = info.tcpi_state,
                  .bytes_received = info.tcpi_bytes_received,
                  .bytes_acked = info.tcpi_bytes_acked,
                  .unacked = info.tcpi_unacked,
                  .sacked = info.tcpi_sacked};
}

bool fin_acknowledged(int fd) noexcept {
  const auto info = tcp_state(fd);
  if (!info || (info->state != kFinWait2 && info->state != kClosed)) return false;
  int unacknowledged = 0;  // the FIN counts as a byte
  return ::ioctl(fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0;
}

std::size_t receive_queue_bytes(int fd) noexcept { return queued_bytes(fd, SIOCINQ); }

std::size_t send_queue_bytes(int fd) noexcept { return queued_bytes(fd, SIOCOUTQ); }

std::uint32_t socket_drops(int fd) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  return ::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &size) == 0 ? info[SK_MEMINFO_DROPS]
                                                                           : 0;
}

std::uint64_t socket_cookie(int fd) noexcept {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

std::optional<std::size_t> half_open_count(const SocketAddress& address) noexcept {
  return sock_diag::half_open_count(address);
}

std::optional<std::size_t> accept_queue_length(int listener_fd, Scheme scheme) noexcept {
  if (is_datagram(scheme)) return {};
  if (is_unix(scheme)) return sock_diag::unix_accept_queue_length(listener_fd);
  const auto info = tcp_state(listener_fd);
  if (!info || info->state != kListen) return {};
  return info->unacked;
}

std::size_t raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

}  // namespace penstock::kernel
