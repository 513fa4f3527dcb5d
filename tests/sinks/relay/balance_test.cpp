#include "server/sinks/relay/balance.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>

#include "tests/sinks/batches.h"

using namespace penstock;

namespace {

const Origin kWeb{"web", "tcp://127.0.0.1:1"}, kMail{"mail", "tcp://127.0.0.1:2"};

std::vector<std::uint64_t> keys(std::size_t count) {
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < count; ++i) {
    Segment segment{.origin = &kWeb};
    segment.peer = test::inet_peer(10, 0, static_cast<std::uint8_t>(i / 256),
                                   static_cast<std::uint8_t>(i % 256));
    all.push_back(balance_key(segment));
  }
  return all;
}

std::vector<std::uint64_t> seeds(std::size_t count) {
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < count; ++i)
    all.push_back(balance_seed("tcp://collector" + std::to_string(i) + ":5514"));
  return all;
}

}  // namespace

TEST_CASE("hash: the key is listener and address, not the port nor the URL", "[relay][balance]") {
  Segment one{.origin = &kWeb, .peer = test::inet_peer(10, 0, 0, 1)};
  Segment other = one;
  other.peer.port = 7;
  CHECK(balance_key(one) == balance_key(other));
  other.origin = &kMail;
  CHECK(balance_key(one) != balance_key(other));
  other = one;
  other.peer = test::inet_peer(10, 0, 0, 2);
  CHECK(balance_key(one) != balance_key(other));
}

TEST_CASE("hash: unix peers by their user", "[relay][balance]") {
  Segment one{.origin = &kWeb};
  one.peer.kind = Peer::Kind::kUnix;
  one.peer.uid = 1000;
  Segment other = one;
  other.peer.pid = 77;
  CHECK(balance_key(one) == balance_key(other));
  other.peer.uid = 1001;
  CHECK(balance_key(one) != balance_key(other));
}

TEST_CASE("hash: the same in every process and version", "[relay][balance]") {
  const Segment segment{.origin = &kWeb, .peer = test::inet_peer(192, 0, 2, 1)};
  CHECK(balance_key(segment) == 0x4978ff8355ddd94c);
  CHECK(balance_seed("tcp://collector:5514") == 0x218472792bd6415e);
}

TEST_CASE("hash: receivers get about the same number of keys", "[relay][balance]") {
  constexpr std::size_t kKeys = 6000, kReceivers = 3;
  std::vector<std::size_t> count(kReceivers);
  for (const auto key : keys(kKeys))
    ++count[heaviest(key, seeds(kReceivers), std::vector<bool>(kReceivers, true))];
  for (const std::size_t n : count) {
    CHECK(n > kKeys / kReceivers * 9 / 10);
    CHECK(n < kKeys / kReceivers * 11 / 10);
  }
}

TEST_CASE("hash: a receiver that leaves gives its own keys away, to all others, and no other moves",
          "[relay][balance]") {
  constexpr std::size_t kReceivers = 4, kGone = 2;
  const std::vector<bool> all(kReceivers, true);
  std::vector<bool> without = all;
  without[kGone] = false;
  std::map<std::size_t, std::size_t> heirs;
  for (const auto key : keys(4000)) {
    const std::size_t before = heaviest(key, seeds(kReceivers), all);
    const std::size_t after = heaviest(key, seeds(kReceivers), without);
    if (before == kGone)
      ++heirs[after];
    else
      CHECK(after == before);
  }
  CHECK(heirs.size() == kReceivers - 1);
  CHECK(heirs.count(kGone) == 0);
}
