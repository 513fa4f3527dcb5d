// Streams that are not read on: what was taken before still gets its acknowledgements.
#include <catch2/catch.hpp>
#include <string>

#include "tests/net/ack_world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

const std::string kBroken = "broken\n", kBehind = "after\n";

Setup two_required() { return {.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)}, .sinks = 2}; }

/// Three frames, the acknowledgement of which is held up, and a broken one.
void break_behind_three(World& world, Client& client) {
  hold_three(world, client, lines(1, 3) + kBroken + kBehind);
}

}  // namespace

TEST_CASE("acks: what stands in front of a broken frame is acknowledged, then comes FIN",
          "[net][ack]") {
  World world(with_acks(two_required()));
  Client client = world.connect();
  break_behind_three(world, client);
  CHECK(client.hears_nothing(100ms));
  world.sink(1).release();
  check_ending(client, acks(3));
  client.close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink(0).count() == 3);
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.discarded(Reason::kMalformed) == kBroken.size() + kBehind.size());
}

TEST_CASE("acks: what stands in front of a broken frame and fails is not acknowledged",
          "[net][ack]") {
  World world(with_acks(two_required()));
  world.sink(1).set_script([](const Batch&) { return WriteStatus::kFailed; });
  Client client = world.connect();
  break_behind_three(world, client);
  world.sink(1).release();
  CHECK(client.read_to_end().bytes.empty());
  client.close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.ended(ConnectionEnd::kUndelivered) == 1);
}

TEST_CASE("acks: a stop waits for them behind a broken frame no longer than for others",
          "[net][ack][stop]") {
  World world(with_acks(two_required()));
  Client client = world.connect();
  break_behind_three(world, client);
  world.drain();
  world.at_deadline();
  world.on_loop(0, [](IoLoop&) {});
  CHECK(world.totals().active == 1);
  world.at_flush_deadline();
  CHECK(world.await_drained());
  CHECK(client.read_to_end().bytes.empty());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
}

TEST_CASE("acks: nobody waits for those of a peer that is gone behind a broken frame",
          "[net][ack]") {
  World world(with_acks({.urls = {kTcp}, .sinks = 2}));
  Client client = world.connect();
  break_behind_three(world, client);
  client.reset();
  REQUIRE(world.await_ended(1));
  world.sink(1).release();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
}

TEST_CASE("acks: at the most that may wait for them reading stops, and goes on with the answers",
          "[net][ack]") {
  World world(with_acks(two_required(), {.most = 3}));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  REQUIRE(client.send(lines(4, 9)));
  CHECK(client.hears_nothing(100ms));
  CHECK(world.sink(0).count() == 3);
  world.sink(1).release();
  CHECK(client.receive(acks(9)) == acks(9));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("acks: a protocol is told that its peer waits to be read", "[net][ack]") {
  World world(with_acks({.urls = {kTcp}, .queue_bytes = 1}, {.tick = 10ms}));
  world.sink().hold();
  Client other = world.connect();
  REQUIRE(other.send("other\n"));
  REQUIRE(world.await_gate_shut());
  Client client = world.connect();
  CHECK(client.receive(kHello) == kHello);
  CHECK(client.hears_nothing(400ms));  // it has sent nothing
  REQUIRE(client.send("one\n"));
  CHECK(client.receive("tick\ntick\n") == "tick\ntick\n");
  world.sink().release();
  world.finish();
}

TEST_CASE("acks: a failure does not end the stream of a sender that would not send again",
          "[net][ack]") {
  World world(with_acks({.urls = {kTcp}}, {.every = 1000, .keeps = false}));
  world.sink().set_script([](const Batch&) { return WriteStatus::kFailed; });
  Client client = world.connect();
  REQUIRE(client.receive(kHello) == kHello);
  REQUIRE(client.send(lines(1, 1)));
  REQUIRE(eventually(
      [&] { return world.route().lost[static_cast<std::size_t>(RouteLoss::kFailed)] == 1; }));
  world.on_loop(0, [](IoLoop&) {});
  CHECK(world.totals().active == 1);
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("ack stop: past the deadline all that a sender would not send again is taken",
          "[net][ack][stop]") {
  World world(with_acks({.urls = {kTcp}, .queue_bytes = 1, .sinks = 1}, {.keeps = false}));
  world.sink().hold();
  Client client = world.connect();
  REQUIRE(client.receive(kHello) == kHello);
  REQUIRE(client.send(lines(1, 3)));
  REQUIRE(world.await_gate_shut());
  REQUIRE(client.send(lines(4, 9)));
  world.drain();
  world.at_deadline();
  world.on_loop(0, [](IoLoop&) {});
  world.sink().release();
  client.half_close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().count() == 9);
  CHECK(world.discarded(Reason::kTailDeadline) == 0);
}
