#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/loop/event_loop.h"
#include "server/net/unique_fd.h"

namespace penstock {

/// Who is told what happens to a Socket. All on the loop's thread.
struct SocketEvents {
  virtual void
  on_readable() = 0;  ///< level-triggered: comes again while there is something to read
  virtual void on_peer_closed() {
  }  ///< the peer's FIN or a hang-up was seen; unread bytes stay readable. Once.
  virtual void on_error() {
  }  ///< EPOLLERR: the poll has stopped; recv until 0 or error, then SO_ERROR
  virtual void on_written() {}  ///< the pending bytes are out

 protected:
  ~SocketEvents() = default;
};

/// Owns one descriptor of any of the nine schemes and the uv_poll on it; makes the system calls itself (uv_tcp and
/// uv_pipe hide FIN and RST while paused: FACTS.md 47-56). Own loop's thread only; neither copies nor moves.
///
/// Three interests: reading; parked (only the peer's hang-up is watched, the kernel's window closes by itself:
/// FACTS.md 0.7); stopped. POLLOUT is asked for only while bytes are pending.
class Socket {
 public:
  /// Pending bytes beyond this make send() fail: the peer does not read its replies.
  static constexpr std::size_t kMaxPendingBytes = std::size_t{64} << 10;

  /// `events` outlives the socket. Nothing is watched until read().
  Socket(EventLoop& loop, UniqueFd fd, SocketEvents& events);
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  /// Puts the descriptor under the loop's poll. Fails when the kernel refuses (ENOMEM, ENOSPC of epoll watches).
  Result<void> open();

  void read();           ///< watch for data
  void park();           ///< watch only for the peer's hang-up; nothing at all once that was seen
  void stop() noexcept;  ///< watch nothing

  /// Sends now what the kernel takes and keeps the rest. False when the rest would exceed kMaxPendingBytes (the peer does
  /// not read) or the socket is closed. To a peer that has gone nothing is sent; reading tells of its end.
  bool send(std::string_view bytes);
  /// The errno of a reset that send() came upon: the kernel tells it once, recv() sees a mere end of stream. 0: none.
  int send_error() const noexcept { return send_error_; }
  std::size_t pending_bytes() const noexcept { return pending_.size(); }

  bool peer_closed() const noexcept { return peer_closed_; }
  /// SO_COOKIE, asked for once: the kernel's own number of this socket, never used again.
  std::uint64_t cookie() noexcept;
  int fd() const noexcept { return fd_.get(); }
  bool is_open() const noexcept { return static_cast<bool>(fd_); }

  /// Stops, closes the handle, then the descriptor: in this order. The caller has seen to it that no unread byte is left.
  void close() noexcept;

  /// Gives the descriptor away (to a successor process); the poll is closed, pending bytes are dropped.
  UniqueFd release() noexcept;

 private:
  static void on_poll(uv_poll_t* poll, int status, int events) noexcept;
  void watch(int interest) noexcept;
  void flush();
  std::size_t send_now(std::string_view bytes);

  EventLoop& loop_;
  UniqueFd fd_;
  SocketEvents& events_;
  UvHandle<uv_poll_t> poll_;
  std::string pending_;
  int send_error_ = 0;
  int interest_ = 0;  // UV_READABLE | UV_DISCONNECT, as read() or park() set it
  int watched_ = 0;   // what uv_poll was last started with
  bool peer_closed_ = false;
  std::uint64_t cookie_ = 0;  // 0: not known yet
};

}  // namespace penstock
