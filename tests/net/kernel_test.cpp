#include "server/net/kernel.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/net/findings.h"
#include "tests/net/namespace_child.h"
#include "tests/net/plain_sockets.h"

using namespace penstock;
using namespace penstock::test;
using kernel::FreezeWay;

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
