#include "protocols/core/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <catch2/catch.hpp>

using namespace penstock;

namespace {

Peer inet6(const char* address, std::uint32_t scope = 0) {
  sockaddr_in6 from{};
  from.sin6_family = AF_INET6;
  from.sin6_port = htons(40000);
  from.sin6_scope_id = scope;
  REQUIRE(inet_pton(AF_INET6, address, &from.sin6_addr) == 1);
  return peer_from_sockaddr(reinterpret_cast<sockaddr*>(&from), sizeof from);
}

Peer inet4(const char* address) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_port = htons(514);
  REQUIRE(inet_pton(AF_INET, address, &from.sin_addr) == 1);
  return peer_from_sockaddr(reinterpret_cast<sockaddr*>(&from), sizeof from);
}

}  // namespace

TEST_CASE("peer: the texts of internet addresses", "[peer]") {
  const auto address = GENERATE("0.0.0.0", "9.10.99.100", "192.0.2.1", "255.255.255.255");
  CHECK(address_text(inet4(address)) == address);
  CHECK(to_string(inet4(address)) == std::string(address) + ":514");
  CHECK(address_text(inet6("2001:db8::1")) == "2001:db8::1");
  CHECK(to_string(inet6("2001:db8::1")) == "[2001:db8::1]:40000");
  CHECK(address_text(inet6("fe80::1", 2)) == "fe80::1");
  CHECK(zoned_address_text(inet6("fe80::1", 2)) == "fe80::1%2");
  CHECK(to_string(inet6("fe80::1", 2)) == "[fe80::1%2]:40000");
}

TEST_CASE("peer: an IPv4-mapped address is IPv4", "[peer]") {
  const Peer peer = inet6("::ffff:192.0.2.7");
  CHECK(peer.kind == Peer::Kind::kInet4);
  CHECK(zoned_address_text(peer) == "192.0.2.7");
  CHECK(to_string(peer) == "192.0.2.7:40000");
}

TEST_CASE("peer: what is not understood is unknown", "[peer]") {
  sockaddr_un path{};
  path.sun_family = AF_UNIX;
  const auto* address = reinterpret_cast<const sockaddr*>(&path);
  CHECK(peer_from_sockaddr(address, sizeof path).kind == Peer::Kind::kUnix);
  CHECK(peer_from_sockaddr(address, 1) == Peer{});
  CHECK(peer_from_sockaddr(nullptr, 0) == Peer{});
  CHECK(to_string(Peer{}) == "unknown");
  CHECK(command_of(Peer{}).empty());
}

TEST_CASE("peer: a unix peer has a command of up to fifteen bytes", "[peer]") {
  Peer peer{.kind = Peer::Kind::kUnix, .pid = 7, .uid = 1000, .gid = 100};
  CHECK(command_of(peer).empty());
  const auto [given, kept] = GENERATE(table<std::string, std::string>({
      {"logger", "logger"},
      {"(sd-pam) x", "(sd-pam) x"},
      {"a\nb\"\xff", "a\nb\"\xff"},
      {"fifteen bytes..", "fifteen bytes.."},
      {"sixteen bytes...", "sixteen bytes.."},
      {std::string("nul\0inside", 10), "nul"},
      {"", ""},
  }));
  set_command(peer, "another");
  set_command(peer, given);
  CHECK(command_of(peer) == kept);
  CHECK(address_text(peer) == "uid-1000");
  CHECK(to_string(peer) == "pid=7,uid=1000,gid=100");
  Peer other = peer;
  CHECK(other == peer);
  set_command(other, "?");
  CHECK(other != peer);
}

TEST_CASE("peer: an internet address is no command", "[peer]") {
  CHECK(command_of(inet4("97.98.99.100")).empty());
}
