// What is frozen at a deadline stays as it was: nothing more enters, nothing is lost, no RST goes out.
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "server/net/kernel.h"
#include "tests/net/findings.h"
#include "tests/net/namespace_child.h"
#include "tests/net/plain_sockets.h"
#include "tests/support/eventually.h"

using namespace penstock;
using namespace penstock::test;
using kernel::FreezeWay;

namespace {

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
