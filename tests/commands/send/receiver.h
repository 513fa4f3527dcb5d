#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "server/net/unique_fd.h"
#include "server/net/url.h"

namespace penstock::test {

/// A peer for the sender: binds a socket of the scheme, takes what comes on a thread of its own.
class Receiver {
 public:
  /// What a stream receiver does when it has read `after` bytes of a connection.
  enum class Then { kReadToEof, kFinAndReadToEof, kCloseUnread, kNeverFin };

  Receiver(Scheme scheme, const std::string& directory) : scheme_(scheme) {
    const int family = is_unix(scheme)                                      ? AF_UNIX
                       : scheme == Scheme::kTcp6 || scheme == Scheme::kUdp6 ? AF_INET6
                                                                            : AF_INET;
    fd_.reset(::socket(family, socket_type(scheme) | SOCK_CLOEXEC, 0));
    REQUIRE(fd_);
    SocketAddress address = local(family, directory + "/s");
    const int large = 8 << 20;
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &large, sizeof large);
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address.storage), address.length) == 0);
    if (!is_datagram(scheme)) REQUIRE(::listen(fd_.get(), 128) == 0);
    address.length = sizeof address.storage;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.length);
    url_ = canonical_url(scheme, address);
  }
  ~Receiver() {
    done_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  const std::string& url() const noexcept { return url_; }

  /// Accepts `connections` and takes them to their end, all at the same time; or reads `connections` datagrams.
  void start(std::size_t connections, Then then = Then::kReadToEof, std::size_t after = 0) {
    thread_ = std::thread([this, connections, then, after] {
      if (is_datagram(scheme_)) return take_datagrams(connections);
      std::vector<std::thread> threads;
      received_.resize(connections);
      for (std::size_t i = 0; i < connections && wait_readable(fd_.get()); ++i) {
        threads.emplace_back(
            [this, i, then, after, fd = ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)] {
              take(UniqueFd(fd), received_[i], then, after);
            });
      }
      for (std::thread& thread : threads) thread.join();
    });
  }

  /// Per connection its bytes, or per datagram; of unixpacket per packet of the only connection. Waits for the end.
  std::vector<std::string> received() {
    if (scheme_ != Scheme::kUnixpacket && !is_datagram(scheme_)) return wait(), received_;
    return wait(), messages_;
  }

 private:
  void wait() { thread_.join(); }

  bool wait_readable(int fd) const {
    while (!done_) {
      pollfd poll{fd, POLLIN, 0};
      if (::poll(&poll, 1, 20) > 0) return true;
    }
    return false;
  }

  void take_datagrams(std::size_t count) {
    std::string buffer(70'000, '\0');
    while (messages_.size() < count && wait_readable(fd_.get())) {
      const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (n >= 0) messages_.push_back(buffer.substr(0, static_cast<std::size_t>(n)));
    }
  }

  void take(UniqueFd fd, std::string& all, Then then, std::size_t after) {
    std::string buffer(70'000, '\0');
    bool acted = false;
    while (wait_readable(fd.get())) {
      if (!acted && then != Then::kReadToEof && all.size() >= after) {
        acted = true;
        if (then == Then::kFinAndReadToEof) ::shutdown(fd.get(), SHUT_WR);
        if (then == Then::kCloseUnread) return;
      }
      const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
      if (n < 0 || (n == 0 && then != Then::kNeverFin)) return;
      if (n == 0) break;
      if (scheme_ == Scheme::kUnixpacket)
        messages_.push_back(buffer.substr(0, static_cast<std::size_t>(n)));
      all.append(buffer, 0, static_cast<std::size_t>(n));
    }
    while (!done_) ::poll(nullptr, 0, 5);  // kNeverFin: holds the connection open
  }

  static SocketAddress local(int family, const std::string& path) {
    SocketAddress address;
    if (family == AF_UNIX) {
      sockaddr_un un{};
      un.sun_family = AF_UNIX;
      path.copy(un.sun_path, sizeof un.sun_path - 1);
      std::memcpy(&address.storage, &un, sizeof un);
      address.length = sizeof un;
    } else if (family == AF_INET6) {
      sockaddr_in6 in{};
      in.sin6_family = AF_INET6;
      in.sin6_addr = in6addr_loopback;
      std::memcpy(&address.storage, &in, sizeof in);
      address.length = sizeof in;
    } else {
      sockaddr_in in{};
      in.sin_family = AF_INET;
      in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      std::memcpy(&address.storage, &in, sizeof in);
      address.length = sizeof in;
    }
    return address;
  }

  Scheme scheme_;
  UniqueFd fd_;
  std::string url_;
  std::thread thread_;
  std::atomic<bool> done_{false};
  std::vector<std::string> received_;
  std::vector<std::string> messages_;
};

}  // namespace penstock::test
