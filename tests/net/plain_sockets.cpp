#include "tests/net/plain_sockets.h"

#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

namespace penstock::test {

SocketAddress inet_address(const std::string& ip, std::uint16_t port) {
  const bool v6 = ip.find(':') != std::string::npos;
  const Url url{.scheme = v6 ? Scheme::kTcp6 : Scheme::kTcp4, .host = ip, .port = port};
  SocketAddress address = resolve(url)->front();
  address.v6_only = false;
  return address;
}

const sockaddr* raw(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}

UniqueFd bound(const std::string& ip, int type) {
  const auto address = inet_address(ip, 0);
  UniqueFd fd(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int off = 0;
  if (address.family() == AF_INET6)
    ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ::bind(fd.get(), raw(address), address.length);
  if (type == SOCK_STREAM) ::listen(fd.get(), 64);
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in6 address{};  // the port stands at the same place for both families
  socklen_t size = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin6_port);
}

UniqueFd connected(const std::string& ip, std::uint16_t port, int type) {
  const auto address = inet_address(ip, port);
  UniqueFd fd(::socket(address.family(), type | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), raw(address), address.length) != 0) fd.reset();
  return fd;
}

UniqueFd half_open(const std::string& ip, std::uint16_t port) {
  const auto address = inet_address(ip, port);
  UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sock_filter drop{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{.len = 1, .filter = &drop};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  ::connect(fd.get(), raw(address), address.length);
  return fd;
}

UniqueFd accepted(int listener) {
  pollfd ready{.fd = listener, .events = POLLIN, .revents = 0};
  ::poll(&ready, 1, 5000);
  return UniqueFd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

long drain(int fd) {
  static std::vector<char> buffer(1 << 20);
  long total = 0;
  for (;;) {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN ? total : -1;
    if (n == 0) return total;
    total += n;
  }
}

}  // namespace penstock::test
