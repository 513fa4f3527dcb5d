#include "server/net/socket.h"

#include <sys/socket.h>

#include <cerrno>

#include "protocols/core/check.h"
#include "server/net/kernel.h"

namespace penstock {

Socket::Socket(EventLoop& loop, UniqueFd fd, SocketEvents& events)
    : loop_(loop), fd_(std::move(fd)), events_(events) {}

Socket::~Socket() { close(); }

Result<void> Socket::open() {
  auto poll = make_handle<uv_poll_t>(this, "watch socket", [this](uv_poll_t* h) {
    return uv_poll_init(loop_.uv(), h, fd_.get());
  });
  if (!poll) return tl::unexpected(poll.error());
  poll_ = std::move(*poll);
  return {};
}

void Socket::watch(int interest) noexcept {
  interest_ = interest;
  const int wanted = interest | (pending_.empty() ? 0 : UV_WRITABLE);
  if (wanted == watched_ || !poll_) return;
  watched_ = wanted;
  if (wanted == 0) {
    uv_poll_stop(poll_.get());
    return;
  }
  PENSTOCK_CHECK(uv_poll_start(poll_.get(), wanted, &Socket::on_poll) == 0);
}

// Once the hang-up was seen it would be reported in every turn (EPOLLRDHUP is level-triggered); reading goes on to the
// end of the stream without it.
void Socket::read() { watch(UV_READABLE | (peer_closed_ ? 0 : UV_DISCONNECT)); }
void Socket::park() { watch(peer_closed_ ? 0 : UV_DISCONNECT); }
void Socket::stop() noexcept { watch(0); }

void Socket::on_poll(uv_poll_t* poll, int status, int events) noexcept {
  auto* self = static_cast<Socket*>(poll->data);
  if (self == nullptr) return;
  if (status < 0) {  // EPOLLERR: libuv has stopped the poll; unread bytes are still there
    self->watched_ = 0;
    self->peer_closed_ = true;
    self->pending_.clear();
    return self->events_.on_error();
  }
  if ((events & UV_DISCONNECT) != 0 && !self->peer_closed_) {
    self->peer_closed_ = true;
    self->watch(self->interest_ & ~UV_DISCONNECT);
    self->events_.on_peer_closed();
  }
  if (poll->data != nullptr && (events & UV_WRITABLE) != 0) self->flush();
  if (poll->data != nullptr && (events & UV_READABLE) != 0 && (self->interest_ & UV_READABLE) != 0)
    self->events_.on_readable();
}

/// How many bytes are done with: sent, or all of them where the peer is gone.
std::size_t Socket::send_now(std::string_view bytes) {
  const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno == EAGAIN || errno == EINTR) return 0;
  if (errno != EPIPE) send_error_ = errno;  // EPIPE: it had finished before it went
  return bytes.size();
}

bool Socket::send(std::string_view bytes) {
  if (!fd_) return false;
  if (pending_.empty()) bytes.remove_prefix(send_now(bytes));
  if (bytes.empty()) return true;
  if (pending_.size() + bytes.size() > kMaxPendingBytes) return false;
  pending_.append(bytes);
  watch(interest_);
  return true;
}

void Socket::flush() {
  if (pending_.empty()) return;
  pending_.erase(0, send_now(pending_));
  if (!pending_.empty()) return;
  pending_.shrink_to_fit();
  watch(interest_);
  events_.on_written();
}

std::uint64_t Socket::cookie() noexcept {
  if (cookie_ == 0 && fd_) cookie_ = kernel::socket_cookie(fd_.get());
  return cookie_;
}

void Socket::close() noexcept {
  if (poll_) uv_poll_stop(poll_.get());
  poll_.reset();
  watched_ = interest_ = 0;
  fd_.reset();
}

UniqueFd Socket::release() noexcept {
  if (poll_) uv_poll_stop(poll_.get());
  poll_.reset();
  watched_ = interest_ = 0;
  return std::move(fd_);
}

}  // namespace penstock
