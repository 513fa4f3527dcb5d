#include "server/net/kernel.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "server/net/unique_fd.h"
#include "tests/net/namespace_child.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;
using kernel::FreezeWay;

namespace {

/// Collects what went wrong in a child, where Catch cannot see it.
class Findings {
 public:
  template <class A, class B>
  void equal(const char* what, const A& got, const B& wanted) {
    if (!(got == wanted)) text_ << what << ": got " << +got << ", wanted " << +wanted << "; ";
  }
  void check(const char* what, bool held) {
    if (!held) text_ << what << " did not hold; ";
  }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

/// Polls `condition` for at most five seconds.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

SocketAddress inet_address(const std::string& ip, std::uint16_t port) {
  SocketAddress address;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.length = sizeof v4;
  } else {
    ::inet_pton(AF_INET6, ip.c_str(), &v6.sin6_addr);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.length = sizeof v6;
  }
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

/// A connect whose SYN-ACKs are dropped: half-open at the listener until `detach`.
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

/// Writes flat out, blocking nowhere, until it is destroyed.
class Writer {
 public:
  explicit Writer(int fd) : thread_([this, fd] { run(fd); }) {}
  ~Writer() { stop(); }
  void stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run(int fd) {
    const std::string block(65536, 'x');
    while (!stopping_) {
      if (::send(fd, block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) continue;
      pollfd writable{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, 5);
    }
  }
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

/// recv until EAGAIN or EOF; -1 where it failed otherwise.
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

/// The whole end of a TCP connection at its deadline, against a writer that never stops (FACTS.md 0.1, 5, 6, 11).
std::string freeze_proof(const std::string& listen_ip, const std::string& client_ip,
                         FreezeWay wanted) {
  Findings found;
  const UniqueFd listener = bound(listen_ip, SOCK_STREAM);
  const UniqueFd client = connected(client_ip, port_of(listener.get()), SOCK_STREAM);
  UniqueFd server = accepted(listener.get());
  if (!client || !server) return "no connection";
  const auto acked_by_syn = kernel::tcp_state(client.get())->bytes_acked;
  Writer writer(client.get());
  long read = 0;
  while (read < 8'000'000) read += drain(server.get());
  ::shutdown(server.get(), SHUT_WR);
  found.check("the FIN is acknowledged", eventually([&] {
                read += drain(server.get());
                return kernel::fin_acknowledged(server.get());
              }));
  found.check("the way", kernel::freeze_tcp(server.get()) == wanted);
  read += drain(server.get());
  const auto frozen = kernel::tcp_state(server.get());
  found.equal("received", frozen->bytes_received, static_cast<std::uint64_t>(read));
  ::poll(nullptr, 0, 50);  // more of the writer's time: nothing of it may enter
  found.equal("received later", kernel::tcp_state(server.get())->bytes_received,
              frozen->bytes_received);
  found.equal("unread", kernel::receive_queue_bytes(server.get()), 0U);
  // a lost delayed ACK is made up for when the client sends again; with kMinTtl nothing answers any more
  const auto acked = [&] { return kernel::tcp_state(client.get())->bytes_acked - acked_by_syn; };
  found.check("acknowledged is read", acked() <= static_cast<std::uint64_t>(read));
  if (!eventually([&] { return acked() == static_cast<std::uint64_t>(read); })) {
    found.equal("acknowledged", acked(), static_cast<std::uint64_t>(read));
  }
  kernel::linger_after_close(server.get());
  server.reset();
  ::poll(nullptr, 0, 700);  // several retransmits (the first after some 200 ms) reach the orphan
  found.check("the client still waits", kernel::send_queue_bytes(client.get()) > 0);
  found.equal("TcpOutRsts", counter("Tcp", "OutRsts"), 0);
  found.equal("TCPAbortOnClose", counter("TcpExt", "TCPAbortOnClose"), 0);
  found.equal("TCPAbortOnData", counter("TcpExt", "TCPAbortOnData"), 0);
  return found.text();
}

/// False: this machine cannot run it, said aloud.
bool ran(const std::string& outcome) {
  if (!outcome.starts_with("SKIP")) return true;
  WARN(outcome);
  return false;
}

}  // namespace

TEST_CASE("frozen and drained: received, read and acknowledged are one number, and no RST follows",
          "[net][kernel]") {
  const auto [listen_ip, client_ip] = GENERATE(table<std::string, std::string>({
      {"127.0.0.1", "127.0.0.1"},
      {"::1", "::1"},
      {"::", "127.0.0.1"},
      {"::", "::1"},
  }));
  const auto privilege = GENERATE(Privilege::kKeep, Privilege::kDropAll);
  const FreezeWay way = privilege == Privilege::kKeep ? FreezeWay::kFilter : FreezeWay::kMinTtl;
  CAPTURE(listen_ip, client_ip, privilege == Privilege::kKeep);
  const auto outcome = in_own_namespace(
      privilege, [&, l = listen_ip, c = client_ip] { return freeze_proof(l, c, way); });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE("without privilege nothing is frozen before our FIN is acknowledged", "[net][kernel]") {
  const auto outcome = in_own_namespace(Privilege::kDropAll, [] {
    Findings found;
    const UniqueFd listener = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd client = connected("127.0.0.1", port_of(listener.get()), SOCK_STREAM);
    const UniqueFd server = accepted(listener.get());
    found.check("none", kernel::freeze_tcp(server.get()) == FreezeWay::kNone);
    found.equal("sent", ::send(client.get(), "abc", 3, 0), 3);
    found.check("data still arrives",
                eventually([&] { return kernel::receive_queue_bytes(server.get()) == 3; }));
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE(
    "a refusing listener keeps what is queued or half-open, answers no SYN, and its children thaw",
    "[net][kernel]") {
  const auto [listen_ip, client_ip] = GENERATE(table<std::string, std::string>({
      {"127.0.0.1", "127.0.0.1"},
      {"::", "::1"},
      {"::", "127.0.0.1"},
  }));
  const bool filter = GENERATE(true, false);
  CAPTURE(listen_ip, client_ip, filter);
  const auto outcome = in_own_namespace(Privilege::kKeep, [&, l = listen_ip, c = client_ip] {
    Findings found;
    const UniqueFd listener = bound(l, SOCK_STREAM);
    const std::uint16_t port = port_of(listener.get());
    const SocketAddress address = inet_address(l, port);
    const UniqueFd queued = connected(c, port, SOCK_STREAM);
    const UniqueFd pending = half_open(c, port);
    found.check("counted", eventually([&] { return kernel::half_open_count(address) == 1U; }));
    found.equal("accept queue",
                kernel::accept_queue_length(listener.get(), Scheme::kTcp).value_or(99), 1U);
    if (filter) {
      found.check("by filter", kernel::refuse_new_tcp(listener.get()) == FreezeWay::kFilter);
    } else {
      // The way of a process without CAP_NET_ADMIN, taken by a child whose capabilities are gone.
      const auto ways = in_own_namespace(Privilege::kDropAll, [&] {
        return std::string(
            kernel::refuse_new_tcp(listener.get()) == FreezeWay::kMinTtl ? "" : "not by MINTTL");
      });
      found.check("by MINTTL", ways.empty());
    }
    const int unused = 0;
    ::setsockopt(pending.get(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    found.check("the handshake ends", eventually([&] {
                  return kernel::half_open_count(address) == 0U &&
                         kernel::accept_queue_length(listener.get(), Scheme::kTcp) == 2U;
                }));
    const auto late_address = inet_address(c, port);
    const UniqueFd late(
        ::socket(late_address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    ::connect(late.get(), raw(late_address), late_address.length);
    ::poll(nullptr, 0, 50);
    found.equal("late SYN queued",
                kernel::accept_queue_length(listener.get(), Scheme::kTcp).value_or(99), 2U);
    found.equal("late SYN half-open", kernel::half_open_count(address).value_or(99), 0U);
    const UniqueFd first = accepted(listener.get());
    const UniqueFd second = accepted(listener.get());
    for (const int fd : {first.get(), second.get()}) kernel::thaw_accepted_tcp(fd);
    found.equal("sent 1", ::send(queued.get(), "abc", 3, 0), 3);
    found.equal("sent 2", ::send(pending.get(), "defg", 4, 0), 4);
    found.check("read 1",
                eventually([&] { return kernel::receive_queue_bytes(first.get()) == 3; }));
    found.check("read 2",
                eventually([&] { return kernel::receive_queue_bytes(second.get()) == 4; }));
    found.equal("TcpOutRsts", counter("Tcp", "OutRsts"), 0);
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE("half-open handshakes are counted for their own address and port only", "[net][kernel]") {
  const auto outcome = in_own_namespace(Privilege::kKeep, [] {
    Findings found;
    const UniqueFd specific = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd other = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd dual = bound("::", SOCK_STREAM);
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 3; ++i) clients.push_back(half_open("127.0.0.1", port_of(specific.get())));
    for (int i = 0; i < 2; ++i) clients.push_back(half_open("127.0.0.1", port_of(dual.get())));
    clients.push_back(half_open("::1", port_of(dual.get())));
    const auto count = [](const char* ip, const UniqueFd& fd, bool v6_only = false) {
      auto address = inet_address(ip, port_of(fd.get()));
      address.v6_only = v6_only;
      return kernel::half_open_count(address).value_or(99);
    };
    found.equal("specific", count("127.0.0.1", specific), 3U);
    found.equal("wildcard", count("0.0.0.0", specific), 3U);
    found.equal("other address", count("127.0.0.2", specific), 0U);
    found.equal("other port", count("127.0.0.1", other), 0U);
    found.equal("dual-stack", count("::", dual), 3U);
    found.equal("one IPv6 address", count("::1", dual), 1U);
    found.check("unix has none", !kernel::half_open_count(SocketAddress{}).has_value());
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE(
    "a frozen udp socket keeps what is queued and counts the rest as drops, without privilege",
    "[net][kernel]") {
  const auto ip = GENERATE(as<std::string>{}, "127.0.0.1", "::1");
  const auto outcome = in_own_namespace(Privilege::kDropAll, [&] {
    Findings found;
    const UniqueFd server = bound(ip, SOCK_DGRAM);
    const UniqueFd client = connected(ip, port_of(server.get()), SOCK_DGRAM);
    for (int i = 0; i < 10; ++i) ::send(client.get(), "0123456789", 10, 0);
    found.equal("next datagram", kernel::receive_queue_bytes(server.get()), 10U);
    found.equal("drops before", kernel::socket_drops(server.get()), 0U);
    found.check("frozen", kernel::freeze_udp(server.get()));
    for (int i = 0; i < 7; ++i) found.equal("sent", ::send(client.get(), "late", 4, 0), 4);
    found.equal("read", drain(server.get()), 100);
    found.equal("drops", kernel::socket_drops(server.get()), 7U);
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE("the accept queue of unix listeners is counted, and nothing else is taken for one",
          "[net][kernel]") {
  const auto scheme = GENERATE(Scheme::kUnix, Scheme::kUnixpacket);
  const int type = scheme == Scheme::kUnix ? SOCK_STREAM : SOCK_SEQPACKET;
  const UniqueFd listener(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  socklen_t size = sizeof name;
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name),
                 sizeof name.sun_family) == 0);  // autobind
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
  CHECK_FALSE(
      kernel::accept_queue_length(listener.get(), scheme).has_value());  // not listening yet
  REQUIRE(::listen(listener.get(), 10) == 0);
  std::vector<UniqueFd> clients;
  for (std::size_t waiting = 0; waiting < 4; ++waiting) {
    CHECK(kernel::accept_queue_length(listener.get(), scheme) == waiting);
    clients.emplace_back(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&name), size) == 0);
  }
  const UniqueFd server = accepted(listener.get());
  CHECK(kernel::accept_queue_length(listener.get(), scheme) == 3U);
  REQUIRE(::send(clients[0].get(), "abc", 3, 0) == 3);
  CHECK(kernel::receive_queue_bytes(server.get()) == 3);
  CHECK(kernel::send_queue_bytes(clients[0].get()) > 0);
  CHECK_FALSE(kernel::accept_queue_length(server.get(), scheme).has_value());
  CHECK_FALSE(kernel::accept_queue_length(listener.get(), Scheme::kUnixgram).has_value());
}

TEST_CASE("descriptors that are no sockets give zeros and nothing, never a crash",
          "[net][kernel]") {
  const int fd = GENERATE(-1, STDIN_FILENO);
  CHECK(kernel::freeze_tcp(fd) == FreezeWay::kNone);
  CHECK(kernel::refuse_new_tcp(fd) == FreezeWay::kNone);
  kernel::thaw_accepted_tcp(fd);
  kernel::linger_after_close(fd);
  CHECK_FALSE(kernel::freeze_udp(fd));
  CHECK_FALSE(kernel::tcp_state(fd).has_value());
  CHECK_FALSE(kernel::fin_acknowledged(fd));
  CHECK(kernel::send_queue_bytes(-1) == 0);
  CHECK(kernel::receive_queue_bytes(-1) == 0);
  CHECK(kernel::socket_drops(fd) == 0);
  CHECK_FALSE(kernel::accept_queue_length(fd, Scheme::kTcp).has_value());
  CHECK_FALSE(kernel::accept_queue_length(fd, Scheme::kUnix).has_value());
}

TEST_CASE("the descriptor limit is raised to its hard limit", "[net][kernel]") {
  const auto outcome = in_own_namespace(Privilege::kDropAll, [] {
    Findings found;
    const rlimit low{.rlim_cur = 64, .rlim_max = 512};
    found.equal("set", ::setrlimit(RLIMIT_NOFILE, &low), 0);
    found.equal("raised", kernel::raise_descriptor_limit(), 512U);
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    found.equal("current", now.rlim_cur, 512U);
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}
