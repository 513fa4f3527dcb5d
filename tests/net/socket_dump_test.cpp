#include "server/net/socket_dump.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <map>

#include "server/net/diag_query.h"
#include "server/net/kernel.h"
#include "tests/net/findings.h"
#include "tests/net/namespace_child.h"
#include "tests/net/plain_sockets.h"

using namespace penstock;
using namespace penstock::test;
using kernel::InetKind;
using kernel::InetSocket;
using kernel::UnixSocket;

namespace {

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  return {bytes.begin(), bytes.end()};
}

void append(std::vector<std::byte>& to, const std::vector<std::byte>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

/// As the kernel lays it out: header, payload, padding.
void append_attribute(std::vector<std::byte>& to, unsigned short type,
                      const std::vector<std::byte>& payload) {
  rtattr header{};
  header.rta_len = static_cast<unsigned short>(RTA_LENGTH(payload.size()));
  header.rta_type = type;
  append(to, bytes_of(header));
  append(to, payload);
  to.resize(to.size() + RTA_ALIGN(payload.size()) - payload.size());
}

constexpr std::array<std::uint32_t, SK_MEMINFO_VARS> kMemory{4352, 131072, 1, 2, 3, 4, 5, 6, 77};

std::vector<std::byte> inet_answer(int family) {
  inet_diag_msg message{};
  message.idiag_family = static_cast<std::uint8_t>(family);
  message.idiag_state = 8;
  message.id.idiag_sport = htons(5514);
  const std::array<std::uint8_t, 16> address{192, 0, 2, 9, 0xEE};
  std::memcpy(message.id.idiag_src, address.data(), address.size());
  message.id.idiag_cookie[0] = 0x89ABCDEF;
  message.id.idiag_cookie[1] = 0x01234567;
  message.idiag_rqueue = 1000;
  message.idiag_wqueue = 20;
  message.idiag_inode = 4242;
  auto answer = bytes_of(message);
  append_attribute(answer, INET_DIAG_SHUTDOWN, {std::byte{3}});
  append_attribute(answer, INET_DIAG_SKMEMINFO, bytes_of(kMemory));
  return answer;
}

}  // namespace

TEST_CASE("an inet_diag answer: queues, cookie, buffer and drops, whatever stands between them",
          "[net][sock_diag]") {
  const int family = GENERATE(AF_INET, AF_INET6);
  const auto socket = kernel::parse_inet(inet_answer(family));
  REQUIRE(socket);
  CHECK(socket->cookie == 0x0123456789ABCDEF);
  CHECK(socket->inode == 4242);
  CHECK(kernel::state_name(socket->state) == "CLOSE-WAIT");
  CHECK(socket->receive_queue == 1000);
  CHECK(socket->send_queue == 20);
  CHECK(socket->receive_fill_bytes == 4352);
  CHECK(socket->receive_buffer_bytes == 131072);
  CHECK(socket->drops == 77);
  CHECK(socket->port == 5514);
  CHECK(socket->address[3] == std::byte{9});
  CHECK(socket->address[4] == (family == AF_INET ? std::byte{0} : std::byte{0xEE}));
}

TEST_CASE("a unix_diag answer: queues, name and memory", "[net][sock_diag]") {
  unix_diag_msg message{};
  message.udiag_state = 10;
  message.udiag_ino = 7;
  message.udiag_cookie[0] = 5;
  auto answer = bytes_of(message);
  append_attribute(answer, UNIX_DIAG_RQLEN, bytes_of(unix_diag_rqlen{3, 4096}));
  append_attribute(answer, UNIX_DIAG_MEMINFO, bytes_of(kMemory));
  const auto nameless = kernel::parse_unix(answer);
  REQUIRE(nameless);
  CHECK(nameless->name.empty());
  CHECK(nameless->cookie == 5);
  CHECK(nameless->inode == 7);
  CHECK(kernel::is_listening(*nameless));
  CHECK(nameless->receive_queue == 3);
  CHECK(nameless->send_queue == 4096);
  CHECK(nameless->drops == 77);

  auto with_file = answer;
  append_attribute(with_file, UNIX_DIAG_NAME, bytes_of(std::array{'/', 's'}));
  append_attribute(with_file, UNIX_DIAG_VFS, bytes_of(unix_diag_vfs{11, 22}));
  const auto named = kernel::parse_unix(with_file);
  REQUIRE(named);
  CHECK(named->name.file_inode == 11);
  CHECK(named->name.device == 22);
  CHECK(named->name.abstract.empty());

  append_attribute(answer, UNIX_DIAG_NAME, bytes_of(std::array{'\0', 'a', 'b'}));
  CHECK(kernel::parse_unix(answer)->name.abstract == "ab");
}

TEST_CASE("broken answers are read as far as they go, and never behind their end",
          "[net][sock_diag]") {
  const auto whole = inet_answer(AF_INET6);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<long>(size));
    const auto socket = kernel::parse_inet(cut);
    CHECK(socket.has_value() == (size >= sizeof(inet_diag_msg)));
    if (socket) CHECK(socket->drops == 0);
  }
  for (const int length : {0, 1, 3, 200}) {  // attributes that lie about their length
    auto answer = bytes_of(unix_diag_msg{});
    rtattr header{};
    header.rta_len = static_cast<unsigned short>(length);
    header.rta_type = UNIX_DIAG_NAME;
    append(answer, bytes_of(header));
    CHECK(kernel::parse_unix(answer).has_value());
  }
}

TEST_CASE("answers of a dump: those of one read, and its end", "[net][sock_diag]") {
  using kernel::sock_diag::Reply;
  using kernel::sock_diag::visit_answers;
  const auto message = [](unsigned short type, std::uint32_t payload) {
    nlmsghdr header{};
    header.nlmsg_len = NLMSG_LENGTH(sizeof payload);
    header.nlmsg_type = type;
    header.nlmsg_flags = NLM_F_MULTI;
    auto bytes = bytes_of(header);
    append(bytes, bytes_of(payload));
    return bytes;
  };
  std::vector<std::uint32_t> seen;
  const auto visit = [&](std::span<const std::byte> payload) {
    std::uint32_t value = 0;
    REQUIRE(kernel::sock_diag::read_value(payload, value));
    seen.push_back(value);
  };
  auto read = message(SOCK_DIAG_BY_FAMILY, 1);
  append(read, message(SOCK_DIAG_BY_FAMILY, 2));
  CHECK(visit_answers(read, visit) == Reply::kMore);
  CHECK(visit_answers(message(NLMSG_DONE, 0), visit) == Reply::kDone);
  CHECK(visit_answers(message(NLMSG_ERROR, 2), visit) == Reply::kFailed);
  CHECK(seen == std::vector<std::uint32_t>{1, 2});
  auto lying = message(SOCK_DIAG_BY_FAMILY, 3);
  lying[0] = std::byte{0xFF};
  CHECK(visit_answers(lying, visit) == Reply::kFailed);
  CHECK(seen.size() == 2);
}

TEST_CASE("the dump has the sockets of the ports asked for, with what waits in them",
          "[net][sock_diag]") {
  const auto outcome = in_own_namespace(Privilege::kDropAll, [] {
    Findings found;
    const UniqueFd ours = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd other = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd third = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd datagrams = bound("127.0.0.1", SOCK_DGRAM);
    const UniqueFd client = connected("127.0.0.1", port_of(ours.get()), SOCK_STREAM);
    const UniqueFd peer = accepted(ours.get());
    const UniqueFd waiting = connected("127.0.0.1", port_of(ours.get()), SOCK_STREAM);
    found.equal("sent", ::send(client.get(), "hello", 5, 0), 5);
    const UniqueFd sender = connected("127.0.0.1", port_of(datagrams.get()), SOCK_DGRAM);
    found.equal("datagram", ::send(sender.get(), "hello", 5, 0), 5);

    std::map<std::uint64_t, InetSocket> seen;
    const auto keep = [&](const InetSocket& socket) { seen[socket.cookie] = socket; };
    const std::vector<std::uint16_t> ports{port_of(third.get()), port_of(ours.get())};
    found.check("answered", kernel::SocketDump().inet(InetKind::kTcp, AF_INET, ports, keep));
    // Two listening ones, the accepted one and the one that waits.
    found.equal("sockets", seen.size(), 4U);
    found.check("not the other one", !seen.contains(kernel::socket_cookie(other.get())));
    found.check("not the client's", !seen.contains(kernel::socket_cookie(client.get())));
    const InetSocket& listening = seen[kernel::socket_cookie(ours.get())];
    found.check("listens", kernel::is_listening(listening));
    found.equal("accept queue", listening.receive_queue, 1U);
    found.check("has a backlog", listening.send_queue > 0);
    const InetSocket& connection = seen[kernel::socket_cookie(peer.get())];
    found.equal("Recv-Q", connection.receive_queue, 5U);
    found.equal("port", connection.port, port_of(ours.get()));
    found.check("has an inode", connection.inode != 0);
    found.check("charged", connection.receive_fill_bytes > 5);

    seen.clear();
    const std::vector<std::uint16_t> datagram_port{port_of(datagrams.get())};
    found.check("udp answered",
                kernel::SocketDump().inet(InetKind::kUdp, AF_INET, datagram_port, keep));
    found.equal("udp sockets", seen.size(), 1U);
    const InetSocket& udp = seen[kernel::socket_cookie(datagrams.get())];
    found.equal("udp fill", udp.receive_queue, udp.receive_fill_bytes);
    found.check("udp charged", udp.receive_queue > 5);
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE("many ports make one filter; too many make none", "[net][sock_diag]") {
  const auto outcome = in_own_namespace(Privilege::kKeep, [] {
    Findings found;
    const UniqueFd ours = bound("127.0.0.1", SOCK_STREAM);
    const UniqueFd other = bound("127.0.0.1", SOCK_STREAM);
    for (const std::size_t count : {1u, 2u, 3u, 300u, 4096u, 5000u}) {
      std::vector<std::uint16_t> ports;
      for (std::uint16_t port = 1; ports.size() + 1 < count; ++port) ports.push_back(port);
      ports.insert(ports.begin() + static_cast<long>(ports.size() / 2), port_of(ours.get()));
      std::size_t seen = 0;
      found.check("answered", kernel::SocketDump().inet(InetKind::kTcp, AF_INET, ports,
                                                        [&](const InetSocket&) { ++seen; }));
      found.equal("sockets", seen, count > 4096 ? 2U : 1U);
    }
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE("a dump needs no descriptor, and one that fails spoils no other", "[net][sock_diag]") {
  const auto outcome = in_own_namespace(Privilege::kKeep, [] {
    Findings found;
    const UniqueFd ours = bound("127.0.0.1", SOCK_STREAM);
    const std::vector<std::uint16_t> ports{port_of(ours.get())};
    kernel::SocketDump dump;
    std::vector<UniqueFd> all;
    while (all.empty() || all.back()) all.emplace_back(::dup(ours.get()));
    for (int look = 0; look < 3; ++look) {
      std::size_t seen = 0;
      const auto count = [&](const InetSocket&) { ++seen; };
      found.check("answered", dump.inet(InetKind::kTcp, AF_INET, ports, count));
      found.equal("sockets", seen, 1U);
    }
    all.clear();
    found.check("no such family", !dump.inet(InetKind::kTcp, AF_UNSPEC, ports, [](auto&) {}));
    std::size_t seen = 0;
    found.check("again", dump.inet(InetKind::kTcp, AF_INET, ports, [&](auto&) { ++seen; }));
    found.equal("sockets", seen, 1U);
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome == "");
}

TEST_CASE("unix sockets: accepted ones are told by their listener's name", "[net][sock_diag]") {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  socklen_t size = sizeof name;
  REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name),
                 sizeof name.sun_family) == 0);  // autobind: an abstract name
  REQUIRE(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&name), &size) == 0);
  REQUIRE(::listen(listener.get(), 10) == 0);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::connect(clients.back().get(), reinterpret_cast<const sockaddr*>(&name), size) == 0);
  }
  const UniqueFd peer(::accept(listener.get(), nullptr, nullptr));
  REQUIRE(peer);
  REQUIRE(::send(clients[0].get(), "hello", 5, 0) == 5);
  const std::string abstract(name.sun_path + 1, size - sizeof name.sun_family - 1);

  std::map<std::uint64_t, UnixSocket> seen;
  REQUIRE(kernel::SocketDump().unix_domain([&](const UnixSocket& socket) {
    if (socket.name.abstract == abstract) seen[socket.cookie] = socket;
  }));
  CHECK(seen.size() == 2);  // the one that waits is not shown before it is accepted
  const UnixSocket& listening = seen[kernel::socket_cookie(listener.get())];
  CHECK(kernel::is_listening(listening));
  CHECK(listening.receive_queue == 1);
  CHECK(listening.send_queue == 10);
  const UnixSocket& connection = seen[kernel::socket_cookie(peer.get())];
  CHECK(kernel::state_name(connection.state) == "ESTAB");
  CHECK(connection.receive_queue == 5);
}
