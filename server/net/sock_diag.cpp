#include "server/net/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "server/net/diag_query.h"

namespace penstock::kernel::sock_diag {
namespace {

constexpr std::uint8_t kSynRecv = 3;  // TCP_SYN_RECV and TCP_LISTEN of <netinet/tcp.h>
constexpr std::uint8_t kListen = 10;

/// The IP and port of an address as inet_diag has them: the IP in the first 4 or all 16 bytes, zeros for the wildcard.
struct LocalEnd {
  std::array<std::byte, 16> ip{};
  std::size_t ip_bytes = 0;
  in_port_t port = 0;  // network byte order

  bool wildcard() const noexcept { return ip == std::array<std::byte, 16>{}; }
};

LocalEnd local_end(const SocketAddress& address) noexcept {
  LocalEnd end;
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    end.port = v4.sin_port;
    end.ip_bytes = sizeof v4.sin_addr;
    std::memcpy(end.ip.data(), &v4.sin_addr, end.ip_bytes);
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    end.port = v6.sin6_port;
    end.ip_bytes = sizeof v6.sin6_addr;
    std::memcpy(end.ip.data(), &v6.sin6_addr, end.ip_bytes);
  }
  return end;
}

std::optional<std::size_t> count_family(int family, const LocalEnd& end) noexcept {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<__u8>(family);
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = 1U << kSynRecv;
  request.id.idiag_sport = end.port;
  std::size_t count = 0;
  const bool answered = ask(request, NLM_F_DUMP, [&](Bytes answer) {
    inet_diag_msg socket{};
    if (!read_value(answer, socket)) return;
    if (socket.id.idiag_sport != end.port) return;
    if (end.wildcard() || std::memcmp(socket.id.idiag_src, end.ip.data(), end.ip_bytes) == 0)
      ++count;
  });
  if (!answered) return {};
  return count;
}

/// The UNIX_DIAG_RQLEN attribute behind a unix_diag_msg.
std::optional<std::size_t> waiting(Bytes attributes) noexcept {
  std::optional<std::size_t> length;
  visit_attributes(attributes, [&](unsigned short type, Bytes payload) {
    unix_diag_rqlen lengths{};
    if (type == UNIX_DIAG_RQLEN && read_value(payload, lengths)) length = lengths.udiag_rqueue;
  });
  return length;
}

}  // namespace

/// Half-open ones are listed under the family of their listener, IPv4 peers of a dual-stack one too on today's kernels;
/// asking for both families costs little and holds either way, as no socket is in both.
std::optional<std::size_t> half_open_count(const SocketAddress& address) noexcept {
  if (address.family() != AF_INET && address.family() != AF_INET6) return {};
  const LocalEnd end = local_end(address);
  const auto own = count_family(address.family(), end);
  if (!own || address.family() == AF_INET || address.v6_only || !end.wildcard()) return own;
  const auto v4 = count_family(AF_INET, end);
  return v4 ? std::optional(*own + *v4) : std::nullopt;
}

std::optional<std::size_t> unix_accept_queue_length(int listener_fd) noexcept {
  struct stat status {};
  if (::fstat(listener_fd, &status) != 0 || !S_ISSOCK(status.st_mode)) return {};
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = 1U << kListen;
  request.udiag_ino = static_cast<__u32>(status.st_ino);
  request.udiag_show = UDIAG_SHOW_RQLEN;
  request.udiag_cookie[0] = INET_DIAG_NOCOOKIE;
  request.udiag_cookie[1] = INET_DIAG_NOCOOKIE;
  std::optional<std::size_t> length;
  ask(request, 0, [&](Bytes answer) {
    unix_diag_msg socket{};
    if (!read_value(answer, socket)) return;
    if (socket.udiag_state != kListen || socket.udiag_ino != request.udiag_ino) return;
    length = waiting(answer.subspan(NLMSG_ALIGN(sizeof socket)));
  });
  return length;
}

}  // namespace penstock::kernel::sock_diag
