#include "server/net/sock_diag.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "server/net/unique_fd.h"

namespace penstock::kernel::sock_diag {
namespace {

constexpr std::uint8_t kSynRecv = 3;  // TCP_SYN_RECV and TCP_LISTEN of <netinet/tcp.h>
constexpr std::uint8_t kListen = 10;

enum class Reply : std::uint8_t { kMore, kDone, kFailed };

/// Gives the payload of each answer in one read of the netlink socket to `visit`.
template <class Visit>
Reply visit_answers(std::span<const std::byte> data, Visit&& visit) noexcept {
  while (data.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, data.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > data.size()) return Reply::kFailed;
    if (header.nlmsg_type == NLMSG_DONE) return Reply::kDone;
    if (header.nlmsg_type == NLMSG_ERROR) return Reply::kFailed;
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
      visit(data.subspan(NLMSG_HDRLEN, header.nlmsg_len - NLMSG_HDRLEN));
    if ((header.nlmsg_flags & NLM_F_MULTI) == 0) return Reply::kDone;
    data = data.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), data.size()));
  }
  return Reply::kMore;
}

template <class Request>
struct Message {
  nlmsghdr header;
  Request request;
};

template <class Request>
bool send_request(int fd, const Request& request, int flags) noexcept {
  Message<Request> message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = static_cast<__u16>(NLM_F_REQUEST | flags);
  message.request = request;
  return ::send(fd, &message, sizeof message, MSG_DONTWAIT) == static_cast<ssize_t>(sizeof message);
}

/// Asks and visits every answer. The kernel fills its answers in while send and recv run, so neither waits. False: no
/// netlink here, or the module for this family is missing.
template <class Request, class Visit>
bool ask(const Request& request, int flags, Visit&& visit) noexcept {
  const UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!fd || !send_request(fd.get(), request, flags)) return false;
  alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) return false;
    const Reply reply = visit_answers(std::span(buffer).first(static_cast<std::size_t>(n)), visit);
    if (reply != Reply::kMore) return reply == Reply::kDone;
  }
}

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
  const bool answered = ask(request, NLM_F_DUMP, [&](std::span<const std::byte> answer) {
    inet_diag_msg socket{};
    if (answer.size() < sizeof socket) return;
    std::memcpy(&socket, answer.data(), sizeof socket);
    if (socket.id.idiag_sport != end.port) return;
    if (end.wildcard() || std::memcmp(socket.id.idiag_src, end.ip.data(), end.ip_bytes) == 0)
      ++count;
  });
  if (!answered) return {};
  return count;
}

/// The UNIX_DIAG_RQLEN attribute behind a unix_diag_msg.
std::optional<std::size_t> waiting(std::span<const std::byte> attributes) noexcept {
  while (attributes.size() >= sizeof(rtattr)) {
    rtattr attribute{};
    std::memcpy(&attribute, attributes.data(), sizeof attribute);
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > attributes.size()) return {};
    unix_diag_rqlen lengths{};
    if (attribute.rta_type == UNIX_DIAG_RQLEN && attribute.rta_len >= RTA_LENGTH(sizeof lengths)) {
      std::memcpy(&lengths, attributes.data() + RTA_LENGTH(0), sizeof lengths);
      return lengths.udiag_rqueue;
    }
    attributes =
        attributes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), attributes.size()));
  }
  return {};
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
  ask(request, 0, [&](std::span<const std::byte> answer) {
    unix_diag_msg socket{};
    if (answer.size() < sizeof socket) return;
    std::memcpy(&socket, answer.data(), sizeof socket);
    if (socket.udiag_state != kListen || socket.udiag_ino != request.udiag_ino) return;
    length = waiting(answer.subspan(NLMSG_ALIGN(sizeof socket)));
  });
  return length;
}

}  // namespace penstock::kernel::sock_diag
