// Stop while acknowledgements are open (DESIGN.md sections 6.2 and 6.3): they go out first, then FIN.
#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "tests/net/ack_world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

const std::string kBye = "bye\n";

Setup two_sinks() {
  return {.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)},
          .stop = {.drain_quiet = 1h, .reset_at_deadline = false},
          .sinks = 2};
}

}  // namespace

TEST_CASE("ack stop: goodbye, reading and acknowledging go on, FIN comes behind the last ack",
          "[net][ack][stop]") {
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  world.drain();
  CHECK(client.receive(kBye) == kBye);
  REQUIRE(client.send(lines(4, 5)));
  REQUIRE(eventually([&] { return world.sink(0).count() == 5; }));
  CHECK(client.hears_nothing(100ms));
  world.sink(1).release();
  check_ending(client, acks(5));
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("ack stop: with nothing open FIN comes right behind the goodbye", "[net][ack][stop]") {
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  REQUIRE(client.send(lines(1, 2)));
  CHECK(client.receive(kHello + acks(2)) == kHello + acks(2));
  world.drain();
  CHECK(client.read_to_end().bytes == kBye);
  REQUIRE(client.send(lines(3, 4)));  // crosses our FIN: delivered, never acknowledged
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().count() == 4);
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("ack stop: a peer that goes on sending behind our FIN loses no record to it",
          "[net][ack][stop]") {
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  REQUIRE(world.await_accepted(1));
  world.drain();
  CHECK(client.read_to_end().bytes == kHello + kBye);
  for (std::size_t n = 1; n <= 5; ++n) {
    REQUIRE(client.send(lines(n, n)));
    REQUIRE(eventually([&] { return world.sink(0).count() == n && world.sink(1).count() == n; }));
  }
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE(
    "ack stop: past the deadline no new frame is taken, open completions still get their acks",
    "[net][ack][stop]") {
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  world.drain();
  world.at_deadline();
  CHECK(client.receive(kBye) == kBye);
  world.on_loop(0, [](IoLoop&) {});  // the deadline has been there
  const std::string late = lines(4, 5);
  REQUIRE(client.send(late));
  CHECK(client.hears_nothing(100ms));
  world.sink(1).release();
  check_ending(client, acks(3));
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink(0).count() == 3);
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
  CHECK(world.discarded(Reason::kTailDeadline) == late.size());
}

TEST_CASE("ack stop: at the flush deadline open acks are given up, and FIN goes out",
          "[net][ack][stop]") {
  const bool half_closed = GENERATE(false, true);
  CAPTURE(half_closed);
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  if (half_closed) client.half_close();
  world.drain();
  world.at_deadline();
  world.on_loop(0, [](IoLoop&) {});
  CHECK(client.hears_nothing(0ms) == half_closed);
  const auto begun = std::chrono::steady_clock::now();
  world.at_flush_deadline();
  CHECK(world.await_drained());  // a peer that ignores FIN does not hold it up
  CHECK(std::chrono::steady_clock::now() - begun < 1500ms);
  check_ending(client, (half_closed ? "" : kBye));
  world.finish();
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
  CHECK(world.sink(1).count() == 3);
}

TEST_CASE("ack stop: a batch that fails during the stop closes its connection without an ack",
          "[net][ack][stop]") {
  const bool past_deadline = GENERATE(false, true);
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  world.sink(1).set_script([](const Batch&) { return WriteStatus::kFailed; });
  world.drain();
  if (past_deadline) world.at_deadline();
  world.on_loop(0, [](IoLoop&) {});
  world.sink(1).release();
  check_ending(client, kBye);
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kUndelivered) == 1);
}

TEST_CASE("ack stop: what is left over is not acknowledged", "[net][ack][stop]") {
  World world(with_acks(two_sinks()));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  world.drain();
  world.at_deadline();
  world.runner(1).divert();
  const auto ending = client.read_to_end();
  CHECK(ending.bytes == kBye);
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kUndelivered) == 1);
  CHECK(world.leftover().records() == 3);
}

TEST_CASE("ack stop: a peer with its gate shut and acks open gets the acks when the sink moves",
          "[net][ack][stop]") {
  Setup setup = two_sinks();
  setup.queue_bytes = 1;
  World world(with_acks(std::move(setup)));
  Client client = world.connect();
  hold_three(world, client, lines(1, 3));
  REQUIRE(world.await_gate_shut(1));
  REQUIRE(client.send(lines(4, 6)));
  world.drain();
  CHECK(client.receive(kBye) == kBye);
  CHECK(client.hears_nothing(50ms));
  world.sink(1).release();
  client.half_close();
  CHECK(client.read_to_end().bytes.starts_with(acks(3)));
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink(1).count() == 6);
}
