#include "server/sinks/relay/dialer.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/net/dial.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

bool is_settled(int fd) noexcept {
  pollfd poll{fd, POLLOUT, 0};
  return ::poll(&poll, 1, 0) > 0;
}

void set_tcp_options(int fd) noexcept {
  constexpr int kIdleSeconds = 30, kIntervalSeconds = 10, kProbes = 3;
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);  // records are gathered before they are written
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE,
             1);  // a receiver that is gone while there is nothing to send
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, kIdleSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, kIntervalSeconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, kProbes);
}

}  // namespace

std::optional<Result<UniqueFd>> Dialer::advance(Clock::time_point now) {
  if (addresses_.empty()) {
    auto found = lookup_.take();
    if (!found) return std::nullopt;
    if (!*found) return tl::unexpected(found->error());
    addresses_ = std::move(**found);
    return next_address(now);
  }
  if (!is_settled(fd_.get())) {
    if (now - since_ < kPatience) return std::nullopt;
    error_ = ETIMEDOUT;
    return next_address(now);
  }
  error_ = socket_error(fd_.get());
  if (error_ == 0 && connected_to_itself()) error_ = ECONNREFUSED;
  if (error_ == 0) return std::move(fd_);
  return next_address(now);
}

std::optional<Result<UniqueFd>> Dialer::next_address(Clock::time_point now) {
  for (; next_ < addresses_.size(); ++next_) {
    since_ = now;
    if (!begin(addresses_[next_])) continue;
    ++next_;
    return std::nullopt;
  }
  return tl::unexpected(failure());
}

bool Dialer::begin(const SocketAddress& address) {
  fd_.reset(::socket(address.family(), socket_type(url_.scheme) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd_ && is_tcp(url_.scheme)) set_tcp_options(fd_.get());
  const bool begun =
      fd_ && (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                        address.length) == 0 ||
              errno == EINPROGRESS);
  if (!begun) error_ = errno;
  return begun;
}

// A port of this machine where nobody listens may be the one that the kernel chose for this end: then both ends are one
// (RFC 9293, simultaneous open), and would stay so.
bool Dialer::connected_to_itself() const noexcept {
  if (!is_tcp(url_.scheme)) return false;
  SocketAddress here, there;
  here.length = there.length = sizeof here.storage;
  return ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&here.storage), &here.length) == 0 &&
         ::getpeername(fd_.get(), reinterpret_cast<sockaddr*>(&there.storage), &there.length) ==
             0 &&
         same_address(here, there);
}

Error Dialer::failure() const {
  const std::string where = canonical_url(url_.scheme, addresses_.back());
  const bool named = needs_lookup(url_);
  return {error_, "connect " + (named ? url_.text + " (" + where + ")" : where) + ": " +
                      errno_text(error_)};
}

}  // namespace penstock
