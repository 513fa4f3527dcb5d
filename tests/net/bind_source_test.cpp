#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <fstream>

#include "server/net/socket_source.h"
#include "tests/net/address_support.h"

using namespace penstock;
using namespace penstock::test;

namespace {

std::string port_text(const BoundSocket& socket) { return std::to_string(port_of(socket.address)); }

/// From now on this process's kernel has no IPv6: socket(AF_INET6, ...) fails as it does there.
bool lose_ipv6() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args[0])),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::size_t rmem_max() {
  std::ifstream file("/proc/sys/net/core/rmem_max");
  std::size_t value = 0;
  file >> value;
  return value;
}

}  // namespace

TEST_CASE("port 0 picks one and says which; every inet scheme has its own socket options",
          "[bind]") {
  const auto scheme = GENERATE("tcp", "tcp4", "tcp6", "udp", "udp4", "udp6");
  CAPTURE(scheme);
  const std::string name = scheme;
  const auto sockets = open_url(name + "://:0");
  REQUIRE(sockets);
  REQUIRE(sockets->size() == 1);
  const BoundSocket& socket = sockets->front();
  const int fd = socket.fd.get();
  CHECK(port_of(socket.address) != 0);
  CHECK(socket.url == name + (name.back() == '4' ? "://0.0.0.0:" : "://[::]:") + port_text(socket));
  CHECK(int_option(fd, SOL_SOCKET, SO_REUSEADDR) == (name[0] == 't' ? 1 : 0));
  CHECK(int_option(fd, SOL_SOCKET, SO_REUSEPORT) == 0);
  CHECK(int_option(fd, SOL_SOCKET, SO_BROADCAST) == (name[0] == 'u' ? 1 : 0));
  if (name.back() != '4')
    CHECK(int_option(fd, IPPROTO_IPV6, IPV6_V6ONLY) == (name.back() == '6' ? 1 : 0));
  CHECK((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK(int_option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 0);
  CHECK(socket.receive_buffer_bytes ==
        static_cast<std::size_t>(int_option(fd, SOL_SOCKET, SO_RCVBUF)));
  CHECK_FALSE(socket.inherited);
}

TEST_CASE("a specific IPv6 address is V6ONLY", "[bind]") {
  const auto sockets = open_url("udp://[::1]:0");
  REQUIRE(sockets);
  CHECK(int_option(sockets->front().fd.get(), IPPROTO_IPV6, IPV6_V6ONLY) == 1);
  CHECK(sockets->front().url == "udp://[::1]:" + port_text(sockets->front()));
}

TEST_CASE("tcp4 and tcp6 share a port; tcp beside tcp4 does not", "[bind]") {
  auto four = open_url("tcp4://:0");
  REQUIRE(four);
  REQUIRE(start_listening(four->front(), 0));
  const std::string port = port_text(four->front());
  CHECK(bind_message("tcp6://:" + port) == "bound");
  const std::string both = "tcp://:" + port;
  CHECK(bind_message(both).rfind(
            "bind " + both + ": address already in use (by pid " + std::to_string(getpid()) + " (",
            0) == 0);
}

TEST_CASE("an address in use names its holder", "[bind]") {
  const auto kind = GENERATE("tcp", "udp");
  const std::string scheme = kind;
  auto first = open_url(scheme + "://127.0.0.1:0");
  REQUIRE(first);
  REQUIRE(start_listening(first->front(), 0));
  const std::string url = scheme + "://127.0.0.1:" + port_text(first->front());
  std::string command;
  std::getline(std::ifstream("/proc/self/comm"), command);
  CHECK(bind_message(url) == "bind " + url + ": address already in use (by pid " +
                                 std::to_string(getpid()) + " (" + command + "))");
  first->clear();
  CHECK(bind_message(url) == "bound");
}

TEST_CASE("listening begins with start_listening, and datagram sockets have nothing to begin",
          "[bind]") {
  auto tcp = open_url("tcp://127.0.0.1:0");
  auto udp = open_url("udp://127.0.0.1:0");
  REQUIRE((tcp && udp));
  CHECK(start_listening(tcp->front(), 7));
  CHECK(int_option(tcp->front().fd.get(), SOL_SOCKET, SO_ACCEPTCONN) == 1);
  CHECK(start_listening(udp->front(), 7));
}

TEST_CASE("two that bound one tcp address before either listened: the second learns it at listen",
          "[bind]") {
  auto first = open_url("tcp://127.0.0.1:0");
  REQUIRE(first);
  const std::string url = first->front().url;
  auto second = open_url(url);
  REQUIRE(second);
  REQUIRE(start_listening(first->front(), 0));
  const auto listening = start_listening(second->front(), 0);
  REQUIRE_FALSE(listening);
  CHECK(listening.error().code == EADDRINUSE);
  CHECK(listening.error().message.rfind("bind " + url + ": address already in use (by pid ", 0) ==
        0);
}

TEST_CASE("a host name binds all its addresses", "[bind]") {
  const auto url = parse_url("udp://localhost:0");
  const auto addresses = resolve(*url);
  REQUIRE(addresses);
  const auto sockets = open_url("udp://localhost:0");
  REQUIRE(sockets);
  CHECK(sockets->size() == addresses->size());
}

TEST_CASE("an address that is not ours, and a link-local one without zone, say what to do",
          "[bind]") {
  CHECK(bind_message("udp://192.0.2.1:0") ==
        "bind udp://192.0.2.1:0: cannot assign requested address (no interface of this machine has "
        "it)");
  CHECK(
      bind_message("tcp://[fe80::1]:0") ==
      "bind tcp://[fe80::1]:0: invalid argument (link-local addresses need a zone such as %eth0)");
}

TEST_CASE("a privileged port tells an ordinary user what it needs", "[bind]") {
  if (::geteuid() != 0) return;
  std::ifstream file("/proc/sys/net/ipv4/ip_unprivileged_port_start");
  int start = 0;
  file >> start;
  if (start < 2) return;
  const std::string last = std::to_string(start - 1);
  const std::string why =
      ": permission denied (ports below " + std::to_string(start) +
      " need CAP_NET_BIND_SERVICE or a lower net.ipv4.ip_unprivileged_port_start)";
  for (const std::string& url : {"tcp://0.0.0.0:" + last, "udp4://127.0.0.1:" + last}) {
    CHECK(in_child(kNobody, [&] { return bind_message(url); }) == "bind " + url + why);
  }
}

TEST_CASE("receive buffers are read back: forced where permitted, capped at rmem_max elsewhere",
          "[bind]") {
  const std::size_t asked = rmem_max() + (1 << 20);
  const auto effective = [asked](const std::string& url) {
    const auto sockets = open_url(url, {.receive_buffer_bytes = asked});
    return sockets ? std::to_string(sockets->front().receive_buffer_bytes)
                   : sockets.error().message;
  };
  const auto url = GENERATE("udp://127.0.0.1:0", "tcp://127.0.0.1:0");
  if (::geteuid() == 0) {
    CHECK(effective(url) == std::to_string(2 * asked));
  }
  CHECK(in_child(kNobody, [&] { return effective(url); }) == std::to_string(2 * rmem_max()));
}

TEST_CASE("tcp keeps the system's buffer unless asked, and accepted sockets inherit what was asked",
          "[bind]") {
  const UniqueFd plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto left = open_url("tcp4://127.0.0.1:0");
  REQUIRE(left);
  CHECK(left->front().receive_buffer_bytes ==
        static_cast<std::size_t>(int_option(plain.get(), SOL_SOCKET, SO_RCVBUF)));
  auto asked = open_url("tcp4://127.0.0.1:0", {.receive_buffer_bytes = 300'000});
  REQUIRE(asked);
  REQUIRE(start_listening(asked->front(), 0));
  const UniqueFd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const SocketAddress& to = asked->front().address;
  REQUIRE(::connect(peer.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0);
  const UniqueFd accepted(::accept(asked->front().fd.get(), nullptr, nullptr));
  CHECK(int_option(accepted.get(), SOL_SOCKET, SO_RCVBUF) == 600'000);
}

TEST_CASE("UDP_GRO is set only when asked", "[bind]") {
  const bool gro = GENERATE(false, true);
  const auto sockets = open_url("udp://127.0.0.1:0", {.gro = gro});
  REQUIRE(sockets);
  CHECK(int_option(sockets->front().fd.get(), IPPROTO_UDP, UDP_GRO) == (gro ? 1 : 0));
}

TEST_CASE("without IPv6 in the kernel tcp and udp serve IPv4, and tcp6 says why not", "[bind]") {
  CHECK(in_child(kNobody, [] {
          if (!lose_ipv6()) return std::string("no seccomp");
          const auto sockets = open_url("tcp://:0");
          return sockets ? sockets->front().url.substr(0, 14) : sockets.error().message;
        }) == "tcp://0.0.0.0:");
  CHECK(in_child(kNobody, [] { return lose_ipv6() ? bind_message("udp6://:0") : "no seccomp"; }) ==
        "bind udp6://:0: address family not supported by protocol (this kernel has no IPv6)");
}

TEST_CASE("abstract names bind without a file and are apart for each type", "[bind][unix]") {
  const std::string name = "@penstock-test-" + std::to_string(getpid());
  auto stream = open_url("unix://" + name);
  REQUIRE(stream);
  CHECK(stream->front().url == "unix://" + name);
  const std::string again = bind_message("unix://" + name);
  CHECK(again.rfind(
            "bind unix://" + name + ": address already in use (by pid " + std::to_string(getpid()),
            0) == 0);
  CHECK(bind_message("unixgram://" + name) == "bound");
  stream->clear();
  CHECK(bind_message("unix://" + name) == "bound");
}

TEST_CASE("the whole abstract name counts: 107 bytes bind", "[bind][unix]") {
  const std::string url = "unixgram://@" + std::string(107, 'p');
  const auto sockets = open_url(url);
  REQUIRE(sockets);
  CHECK(sockets->front().url == url);
}
