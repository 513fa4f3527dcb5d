#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "server/net/unique_fd.h"
#include "server/net/url.h"
#include "tests/support/eventually.h"

namespace penstock::test {

/// The other end of a connection, or a sender of datagrams. Calls wait up to kPatience, not for ever.
class Client {
 public:
  Client(const SocketAddress& address, Scheme scheme)
      : Client(address, unconnected(address, scheme)) {}
  /// Connects a socket that was made before, as there may be no descriptor for one now.
  Client(const SocketAddress& address, UniqueFd socket) : fd_(std::move(socket)) {
    const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
    if (::connect(fd_.get(), raw, address.length) != 0) error_ = errno;
  }

  static UniqueFd unconnected(const SocketAddress& address, Scheme scheme) {
    return UniqueFd(::socket(address.family(), socket_type(scheme) | SOCK_CLOEXEC, 0));
  }

  int connect_error() const { return error_; }
  int fd() const { return fd_.get(); }

  /// One message, or all the bytes of a stream. False: the other end is gone, or takes nothing.
  bool send(std::string_view bytes) {
    do {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && (errno != EAGAIN || !ready(POLLOUT))) return false;
      if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    } while (!bytes.empty());
    return true;
  }
  /// What the kernel takes at once; 0 when it takes nothing.
  std::size_t send_some(std::string_view bytes) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  void half_close() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  /// tcp: RST instead of FIN.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }

  /// Reads until `wanted` has come; gives what has.
  std::string receive(std::string_view wanted) {
    std::string got;
    while (got.size() < wanted.size() && read_more(got, wanted.size() - got.size())) {
    }
    return got;
  }

  /// Nothing comes, FIN included, for `time`.
  bool hears_nothing(std::chrono::milliseconds time) {
    pollfd poll{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, static_cast<int>(time.count())) == 0;
  }

  /// How the other end's stream ended: `bytes`, then "" for FIN, or what went wrong.
  struct Ending {
    std::string bytes, error;
  };
  Ending read_to_end() {
    Ending ending;
    while (read_more(ending.bytes, 65536)) {
    }
    ending.error = last_;
    return ending;
  }
  /// FIN came, and nothing before it.
  bool sees_fin() {
    const Ending ending = read_to_end();
    return ending.bytes.empty() && ending.error.empty();
  }

 private:
  bool ready(short events) {
    pollfd poll{.fd = fd_.get(), .events = events, .revents = 0};
    return ::poll(&poll, 1, static_cast<int>(std::chrono::milliseconds(kPatience).count())) == 1;
  }
  bool read_more(std::string& got, std::size_t most) {
    if (!ready(POLLIN)) return end("nothing came");
    const std::size_t before = got.size();
    got.resize(before + most);
    const ssize_t n = ::recv(fd_.get(), got.data() + before, most, 0);
    const int error = errno;
    got.resize(before + static_cast<std::size_t>(n > 0 ? n : 0));
    if (n < 0) return end(error == ECONNRESET ? "reset" : "error " + std::to_string(error));
    return n > 0 || end("");
  }
  bool end(const std::string& why) {
    last_ = why;
    return false;
  }

  UniqueFd fd_;
  int error_ = 0;
  std::string last_;
};

}  // namespace penstock::test
