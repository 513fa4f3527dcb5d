#include "server/net/admission.h"

#include <arpa/inet.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <thread>
#include <vector>

using namespace penstock;

namespace {

Peer peer_at(const char* address, std::uint16_t port = 1) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
    return peer_from_sockaddr(reinterpret_cast<sockaddr*>(&v4), sizeof v4);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  REQUIRE(inet_pton(AF_INET6, address, &v6.sin6_addr) == 1);
  return peer_from_sockaddr(reinterpret_cast<sockaddr*>(&v6), sizeof v6);
}

Peer user(std::uint32_t uid) { return {.kind = Peer::Kind::kUnix, .pid = 7, .uid = uid}; }

}  // namespace

TEST_CASE("admission: each limit refuses under its own name and gives back what it took",
          "[net][admission]") {
  ConnectionBudget budget(3, 1);
  Admission first(budget, 2, 1), second(budget, 0, 0);
  CHECK(first.admit(peer_at("192.0.2.1"), false) == Refusal::kNone);
  CHECK(first.admit(peer_at("192.0.2.1", 2), false) == Refusal::kPeer);
  CHECK(first.used() == 1);
  CHECK(budget.used() == 1);
  CHECK(first.admit(peer_at("192.0.2.2"), false) == Refusal::kNone);
  CHECK(first.admit(peer_at("192.0.2.3"), false) == Refusal::kListener);
  CHECK(budget.used() == 2);
  CHECK(second.admit(peer_at("192.0.2.1"), false) == Refusal::kNone);
  CHECK(second.admit(peer_at("192.0.2.1"), false) == Refusal::kServer);
  CHECK(second.used() == 1);
  CHECK(budget.used() == 3);
  first.leave(peer_at("192.0.2.1"));
  CHECK(first.admit(peer_at("192.0.2.1"), false) == Refusal::kNone);
}

TEST_CASE("admission: a stop admits over every limit, and still counts", "[net][admission]") {
  ConnectionBudget budget(1, 1);
  Admission admission(budget, 1, 1);
  for (int i = 0; i < 5; ++i)
    CHECK(admission.admit(peer_at("2001:db8::1"), true) == Refusal::kNone);
  CHECK(admission.used() == 5);
  CHECK(budget.used() == 5);
  CHECK(admission.admit(peer_at("2001:db8::2"), false) == Refusal::kServer);
  for (int i = 0; i < 5; ++i) admission.leave(peer_at("2001:db8::1"));
  CHECK(admission.used() == 0);
  CHECK(budget.used() == 0);
  CHECK(admission.admit(peer_at("2001:db8::1"), false) == Refusal::kNone);
}

TEST_CASE(
    "admission: a peer is its address in either family, mapped ones are IPv4, unix ones the user",
    "[net][admission]") {
  ConnectionBudget budget(100, 1);
  Admission admission(budget, 0, 1);
  CHECK(admission.admit(peer_at("192.0.2.1"), false) == Refusal::kNone);
  CHECK(admission.admit(peer_at("::ffff:192.0.2.1"), false) == Refusal::kPeer);
  CHECK(admission.admit(peer_at("192.0.2.2"), false) == Refusal::kNone);
  CHECK(admission.admit(peer_at("2001:db8::1"), false) == Refusal::kNone);
  CHECK(admission.admit(peer_at("2001:db8::1", 9), false) == Refusal::kPeer);
  CHECK(admission.admit(peer_at("2001:db8::2"), false) == Refusal::kNone);
  CHECK(admission.admit(user(1000), false) == Refusal::kNone);
  CHECK(admission.admit(user(1000), false) == Refusal::kPeer);
  CHECK(admission.admit(user(1001), false) == Refusal::kNone);
  admission.leave(peer_at("::ffff:192.0.2.1"));
  CHECK(admission.admit(peer_at("192.0.2.1"), false) == Refusal::kNone);
}

TEST_CASE("admission: the limits hold when all loops admit at once", "[net][admission][threads]") {
  ConnectionBudget budget(50, 1);
  Admission admission(budget, 40, 30);
  std::atomic<int> admitted{0};
  std::vector<std::thread> loops;
  for (int t = 0; t < 4; ++t) {
    loops.emplace_back([&] {
      const Peer peer{.kind = Peer::Kind::kUnix, .uid = 5};
      for (int i = 0; i < 2000; ++i) {
        if (admission.admit(peer, false) != Refusal::kNone) continue;
        const int now = ++admitted;
        if (now > 30) std::abort();
        --admitted;
        admission.leave(peer);
      }
    });
  }
  for (std::thread& loop : loops) loop.join();
  CHECK(admission.used() == 0);
  CHECK(budget.used() == 0);
}

TEST_CASE("connection budget: refusals have a number of their own", "[net][admission]") {
  ConnectionBudget budget(1, 2);
  budget.begin_refusal();
  CHECK(budget.refusals_left());
  budget.begin_refusal();
  CHECK_FALSE(budget.refusals_left());
  budget.end_refusal();
  CHECK(budget.refusals_left());
  CHECK(budget.used() == 0);
}
