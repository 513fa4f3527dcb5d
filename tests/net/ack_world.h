#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "tests/net/ack_decoder.h"
#include "tests/net/world.h"

namespace penstock::test {

inline const std::string kHello = "hello\n";

/// `setup` with the protocol that answers.
inline Setup with_acks(Setup setup, AckOptions options = {}) {
  setup.options.make_decoder = [options] { return std::make_unique<AckDecoder>(options); };
  setup.acks = true;
  return setup;
}

/// Of a World with two sinks. `sent`, which holds three frames, is read, and their acknowledgement held up.
inline void hold_three(World& world, Client& client, const std::string& sent) {
  world.sink(1).hold();
  REQUIRE(client.receive(kHello) == kHello);
  REQUIRE(client.send(sent));
  REQUIRE(eventually([&] { return world.sink(0).count() == 3; }));
}

/// The peer hears `bytes`, and then FIN, no reset.
inline void check_ending(Client& client, const std::string& bytes) {
  const auto ending = client.read_to_end();
  CHECK(ending.bytes == bytes);
  CHECK(ending.error.empty());
}

/// `frame FIRST` to `frame LAST`, a line each.
inline std::string lines(std::size_t first, std::size_t last) {
  std::string all;
  for (std::size_t n = first; n <= last; ++n) all += "frame " + std::to_string(n) + "\n";
  return all;
}

}  // namespace penstock::test
