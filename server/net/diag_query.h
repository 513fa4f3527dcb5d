#pragma once

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

#include "server/net/unique_fd.h"

/// One question over NETLINK_SOCK_DIAG and its answers (sock_diag(7)). For sock_diag.cpp and socket_dump.cpp.
namespace penstock::kernel::sock_diag {

using Bytes = std::span<const std::byte>;

/// A plain value from the front of `bytes`; false when they are too few.
template <class T>
bool read_value(Bytes bytes, T& value) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  return true;
}

enum class Reply : std::uint8_t { kMore, kDone, kFailed };

/// Gives the payload of each answer in one read of the netlink socket to `visit`.
template <class Visit>
Reply visit_answers(Bytes data, Visit&& visit) {
  nlmsghdr header{};
  while (read_value(data, header)) {
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

/// Gives type and payload of each attribute behind an answer's fixed part to `visit`; stops at one that is broken.
template <class Visit>
void visit_attributes(Bytes attributes, Visit&& visit) {
  rtattr attribute{};
  while (read_value(attributes, attribute)) {
    if (attribute.rta_len < sizeof attribute || attribute.rta_len > attributes.size()) return;
    visit(attribute.rta_type, attributes.subspan(RTA_LENGTH(0), attribute.rta_len - RTA_LENGTH(0)));
    attributes =
        attributes.subspan(std::min<std::size_t>(RTA_ALIGN(attribute.rta_len), attributes.size()));
  }
}

template <class Request>
struct Message {
  nlmsghdr header;
  Request request;
};

/// `attributes` stand behind the request: whole ones with their headers.
template <class Request>
bool send_request(int fd, const Request& request, int flags, Bytes attributes) noexcept {
  Message<Request> message{};
  const std::size_t size = sizeof message + attributes.size();
  message.header.nlmsg_len = static_cast<__u32>(size);
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = static_cast<__u16>(NLM_F_REQUEST | flags);
  message.request = request;
  std::array<iovec, 2> parts{iovec{&message, sizeof message},
                             iovec{const_cast<std::byte*>(attributes.data()), attributes.size()}};
  msghdr call{};
  call.msg_iov = parts.data();
  call.msg_iovlen = parts.size();
  return ::sendmsg(fd, &call, MSG_DONTWAIT) == static_cast<ssize_t>(size);
}

/// Empty: no netlink here, or no descriptor.
inline UniqueFd open_socket() noexcept {
  return UniqueFd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
}

/// Asks on an open socket and visits every answer. The kernel fills its answers in while send and recv run, so neither
/// waits. False: the module for this family is missing, or memory; the socket may then hold answers that nobody read.
template <class Request, class Visit>
bool ask_on(int fd, const Request& request, int flags, Visit&& visit, Bytes attributes = {}) {
  if (!send_request(fd, request, flags, attributes)) return false;
  alignas(nlmsghdr) std::array<std::byte, 32768> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n <= 0) return false;
    const Reply reply = visit_answers(Bytes(buffer).first(static_cast<std::size_t>(n)), visit);
    if (reply != Reply::kMore) return reply == Reply::kDone;
  }
}

/// The same on a socket for this question alone.
template <class Request, class Visit>
bool ask(const Request& request, int flags, Visit&& visit) {
  const UniqueFd fd = open_socket();
  return fd && ask_on(fd.get(), request, flags, visit);
}

}  // namespace penstock::kernel::sock_diag
