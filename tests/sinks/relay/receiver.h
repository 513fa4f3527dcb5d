#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <vector>

#include "server/net/socket_source.h"
#include "tests/support/eventually.h"

namespace penstock::test {

/// What a relay sink sends to: a bound socket, and the streams accepted from it. Calls wait up to kPatience.
class Receiver {
 public:
  explicit Receiver(const std::string& url, std::size_t receive_buffer_bytes = 0) {
    auto sockets =
        BindSource().open(*parse_url(url), {.receive_buffer_bytes = receive_buffer_bytes});
    if (!sockets) throw std::runtime_error(sockets.error().message);
    socket_ = std::move(sockets->front());
    if (!is_datagram(socket_.scheme) && !start_listening(socket_, 0))
      throw std::runtime_error("listen " + url);
  }

  const std::string& url() const { return socket_.url; }

  /// The next connection, which is there already or comes without anybody's doing; -1 where none comes.
  UniqueFd accept() {
    UniqueFd peer;
    eventually([&] {
      peer = accept_now();
      return static_cast<bool>(peer);
    });
    return peer;
  }
  /// -1 where none is there.
  UniqueFd accept_now() {
    return UniqueFd(::accept4(socket_.fd.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  }
  int fd() const { return socket_.fd.get(); }
  void close() {
    socket_.file = {};
    socket_.fd.reset();
  }

 private:
  BoundSocket socket_;
};

/// What can be read without waiting; `ended` tells of the end of the stream or an error.
inline std::string read_now(int fd, bool* ended = nullptr) {
  std::string got;
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n > 0) {
      got.append(buffer.data(), static_cast<std::size_t>(n));
      continue;
    }
    if (ended != nullptr) *ended = n == 0 || (errno != EAGAIN && errno != EINTR);
    return got;
  }
}

/// Messages that can be read without waiting.
inline std::vector<std::string> messages_now(int fd) {
  std::vector<std::string> got;
  std::array<char, 65536> buffer;
  for (ssize_t n; (n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT)) >= 0;)
    got.emplace_back(buffer.data(), static_cast<std::size_t>(n));
  return got;
}

}  // namespace penstock::test
