#include "server/net/datagram_slots.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "server/net/unique_fd.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

using namespace penstock;

namespace {

void set(int fd, int level, int option, int value) {
  REQUIRE(setsockopt(fd, level, option, &value, sizeof value) == 0);
}

struct Pair {
  UniqueFd ours, theirs;
};

/// AF_UNIX, ours with credentials as adopt() sets it.
Pair unix_pair(int type) {
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
  set(fds[0], SOL_SOCKET, SO_PASSCRED, 1);
  return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

UniqueFd udp_socket(sockaddr_in& address) {
  UniqueFd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return fd;
}

void send_to(const UniqueFd& from, const sockaddr_in& to, std::string_view bytes) {
  REQUIRE(sendto(from.get(), bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                 sizeof to) == static_cast<ssize_t>(bytes.size()));
}

void send(const UniqueFd& fd, std::string_view bytes) {
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

/// What a reader of packets sees until nothing comes: sizes, then "end" or "again".
std::vector<std::string> read_all(DatagramSlots& slots, int fd, MessageDetails details) {
  std::vector<std::string> seen;
  for (;;) {
    const int n = slots.receive(fd, details);
    if (n <= 0) {
      seen.push_back(n == 0 ? "again" : "error");
      return seen;
    }
    for (unsigned i = 0; i < static_cast<unsigned>(n); ++i) {
      const ReceivedDatagram got = slots.datagram(i);
      if (got.end_of_stream) {
        seen.push_back("end");
        return seen;
      }
      seen.emplace_back(got.bytes);
    }
  }
}

std::size_t open_descriptors() {
  std::size_t n = 0;
  for (int fd = 0; fd < 256; ++fd) n += fcntl(fd, F_GETFD) != -1;
  return n;
}

}  // namespace

TEST_CASE("datagram slots: what exceeds a slot is cut, its length on the wire is known",
          "[net][slots]") {
  const Pair pair = unix_pair(GENERATE(SOCK_DGRAM, SOCK_SEQPACKET));
  DatagramSlots slots(100);
  for (const std::size_t size : {99u, 100u, 101u, 5000u}) send(pair.theirs, std::string(size, 'x'));
  REQUIRE(slots.receive(pair.ours.get()) == 4);
  for (unsigned i = 0; i < 4; ++i) {
    const std::array<std::size_t, 4> sizes{99, 100, 101, 5000};
    CHECK(slots.datagram(i).wire_bytes == sizes[i]);
    CHECK(slots.datagram(i).bytes == std::string(std::min<std::size_t>(sizes[i], 100), 'x'));
    CHECK(slots.datagram(i).segment_bytes == 0);
  }
  CHECK(slots.receive(pair.ours.get()) == 0);
}

TEST_CASE(
    "datagram slots: sizes from one byte to sixteen MiB work, with at most 64 slots and at least "
    "one",
    "[net][slots]") {
  const std::size_t size = GENERATE(1u, 63u, 64u, 65u, 65537u, 4u << 20, 16u << 20);
  CAPTURE(size);
  const Pair pair = unix_pair(SOCK_DGRAM);
  DatagramSlots slots(size);
  CHECK(slots.slot_bytes() == size);
  for (int i = 0; i < 3; ++i) {
    send(pair.theirs, std::string(size < 100'000 ? size : 100'000, static_cast<char>('a' + i)));
  }
  std::string firsts;
  while (firsts.size() < 3) {
    const int n = slots.receive(pair.ours.get());
    REQUIRE(n > 0);
    for (unsigned i = 0; i < static_cast<unsigned>(n); ++i)
      firsts += slots.datagram(i).bytes.front();
  }
  CHECK(firsts == "abc");
}

TEST_CASE("datagram slots: an empty packet is a packet, only the end is the end", "[net][slots]") {
  const std::size_t empties = GENERATE(0u, 1u, 2u, 70u);
  const MessageDetails details =
      GENERATE(MessageDetails::kNone, MessageDetails::kControl, MessageDetails::kAll);
  CAPTURE(empties, static_cast<int>(details));
  Pair pair = unix_pair(SOCK_SEQPACKET);
  DatagramSlots slots(1000);
  send(pair.theirs, "one");
  send(pair.theirs, "");
  send(pair.theirs, "two");
  CHECK(read_all(slots, pair.ours.get(), details) ==
        std::vector<std::string>{"one", "", "two", "again"});
  for (std::size_t i = 0; i < empties; ++i) send(pair.theirs, "");
  pair.theirs.reset();
  std::vector<std::string> wanted(empties);
  wanted.emplace_back("end");
  CHECK(read_all(slots, pair.ours.get(), details) == wanted);
}

TEST_CASE("datagram slots: packets sent before SO_PASSCRED was set are not taken for the end",
          "[net][slots]") {
  const MessageDetails details = GENERATE(MessageDetails::kNone, MessageDetails::kAll);
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
  UniqueFd ours(fds[0]), theirs(fds[1]);
  send(theirs, "");
  send(theirs, "x");
  set(ours.get(), SOL_SOCKET, SO_PASSCRED, 1);
  DatagramSlots slots(100);
  CHECK(read_all(slots, ours.get(), details) == std::vector<std::string>{"", "x", "again"});
}

TEST_CASE("datagram slots: our own SHUT_RD ends a packet stream behind what was queued",
          "[net][slots]") {
  const MessageDetails details = GENERATE(MessageDetails::kNone, MessageDetails::kAll);
  const Pair pair = unix_pair(SOCK_SEQPACKET);
  DatagramSlots slots(100);
  send(pair.theirs, "");
  send(pair.theirs, "x");
  shutdown(pair.ours.get(), SHUT_RD);
  CHECK(read_all(slots, pair.ours.get(), details) == std::vector<std::string>{"", "x", "end"});
}

TEST_CASE("datagram slots: unix senders are their credentials", "[net][slots]") {
  const Pair pair = unix_pair(SOCK_DGRAM);
  DatagramSlots slots(100);
  send(pair.theirs, "a");
  send(pair.theirs, "b");
  REQUIRE(slots.receive(pair.ours.get()) == 2);
  CHECK(slots.peer(0).kind == Peer::Kind::kUnix);
  CHECK(slots.peer(0).pid == getpid());
  CHECK(slots.peer(0).uid == getuid());
  CHECK_FALSE(slots.same_peer(0));
  CHECK(slots.same_peer(1));
}

TEST_CASE("datagram slots: udp senders are their address and port", "[net][slots]") {
  sockaddr_in to{}, a_address{}, b_address{};
  const UniqueFd ours = udp_socket(to), a = udp_socket(a_address), b = udp_socket(b_address);
  for (const UniqueFd* from : {&a, &a, &b, &a}) send_to(*from, to, "x");
  DatagramSlots slots(100);
  REQUIRE(slots.receive(ours.get()) == 4);
  CHECK_FALSE(slots.same_peer(0));
  CHECK(slots.same_peer(1));
  CHECK_FALSE(slots.same_peer(2));
  CHECK_FALSE(slots.same_peer(3));
  CHECK(slots.peer(2).port == ntohs(b_address.sin_port));
  CHECK(slots.peer(3).port == ntohs(a_address.sin_port));
  CHECK_FALSE(slots.datagram(0).end_of_stream);
}

TEST_CASE("datagram slots: what was not asked for is not told, nor left over from the call before",
          "[net][slots]") {
  sockaddr_in to{}, from_address{};
  const UniqueFd udp = udp_socket(to), from = udp_socket(from_address);
  const Pair pair = unix_pair(SOCK_DGRAM);
  DatagramSlots slots(100);
  for (int round = 0; round < 2; ++round) {
    send_to(from, to, "a");
    send_to(from, to, "b");
    REQUIRE(slots.receive(udp.get(), MessageDetails::kAddress) == 2);
    CHECK(slots.peer(1).port == ntohs(from_address.sin_port));
    CHECK(slots.same_peer(1));
    send(pair.theirs, "c");
    REQUIRE(slots.receive(pair.ours.get(), MessageDetails::kNone) == 1);
    CHECK(slots.peer(0).kind == Peer::Kind::kNone);
    CHECK(slots.datagram(0).bytes == "c");
    send(pair.theirs, "d");
    send(pair.theirs, "e");
    send(pair.theirs, "f");
    REQUIRE(slots.receive(pair.ours.get(), MessageDetails::kControl) == 3);
    CHECK(slots.peer(2).pid == getpid());
    CHECK(slots.same_peer(2));
  }
  CHECK(slots.receive(pair.ours.get(), MessageDetails::kControl) == 0);
}

TEST_CASE("datagram slots: an empty udp datagram is a datagram", "[net][slots]") {
  sockaddr_in to{}, from_address{};
  const UniqueFd ours = udp_socket(to), from = udp_socket(from_address);
  send_to(from, to, "");
  send_to(from, to, "x");
  DatagramSlots slots(100);
  CHECK(slots.receive(ours.get()) == 2);
  CHECK(slots.datagram(0).wire_bytes == 0);
  CHECK(slots.datagram(1).bytes == "x");
}

TEST_CASE("datagram slots: with UDP_GRO a train tells the length of its datagrams",
          "[net][slots]") {
  sockaddr_in to{}, from_address{};
  const UniqueFd ours = udp_socket(to), from = udp_socket(from_address);
  set(ours.get(), IPPROTO_UDP, UDP_GRO, 1);
  set(from.get(), IPPROTO_UDP, UDP_SEGMENT, 300);
  std::string train;
  for (char c = 'a'; c < 'f'; ++c) train += std::string(300, c);
  train += "tail";
  send_to(from, to, train);
  set(from.get(), IPPROTO_UDP, UDP_SEGMENT, 0);
  send_to(from, to, "alone");
  DatagramSlots slots(65537);
  REQUIRE(slots.receive(ours.get()) == 2);
  CHECK(slots.datagram(0).bytes == train);
  CHECK(slots.datagram(0).wire_bytes == train.size());
  CHECK(slots.datagram(0).segment_bytes == 300);
  CHECK(slots.datagram(1).segment_bytes == 0);
  CHECK(slots.datagram(1).bytes == "alone");
}

TEST_CASE("datagram slots: descriptors that a peer attaches do not stay open here",
          "[net][slots]") {
  const Pair pair = unix_pair(GENERATE(SOCK_DGRAM, SOCK_SEQPACKET));
  const bool credentials = GENERATE(true, false);
  const MessageDetails details =
      GENERATE(MessageDetails::kNone, MessageDetails::kControl, MessageDetails::kAll);
  set(pair.ours.get(), SOL_SOCKET, SO_PASSCRED, credentials ? 1 : 0);
  DatagramSlots slots(100);
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    char byte = 'x';
    iovec piece{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(4 * sizeof(int));
    const std::array<int, 4> fds{0, 1, 2, 0};
    std::memcpy(CMSG_DATA(rights), fds.data(), sizeof fds);
    REQUIRE(sendmsg(pair.theirs.get(), &message, 0) == 1);
  }
  CHECK(slots.receive(pair.ours.get(), details) == 3);
  CHECK(slots.datagram(0).bytes == "x");
  CHECK(open_descriptors() == before);
}

TEST_CASE("datagram slots: an error is the negated errno", "[net][slots]") {
  DatagramSlots slots(100);
  CHECK(slots.receive(-1) == -EBADF);
}
