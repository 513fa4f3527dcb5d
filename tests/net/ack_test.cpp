// The acknowledging path: a decoder that answers, over real sockets, with required sinks that delay, fail and reorder.
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "server/net/connection.h"
#include "tests/net/ack_world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

/// Fails batches that hold a record with `poison` in it.
WriteStatus fail_poison(const Batch& batch) {
  for (const FrameRef& frame : batch.frames) {
    if (batch.bytes(frame).find("poison") != std::string_view::npos) return WriteStatus::kFailed;
  }
  return WriteStatus::kDelivered;
}

}  // namespace

TEST_CASE("acks: none goes out before both required sinks have the record; then they come in order",
          "[net][ack]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  const std::size_t slow = GENERATE(0u, 1u);
  CAPTURE(url, slow);
  World world(with_acks({.urls = {url}, .sinks = 2}));
  world.sink(slow).hold();
  Client client = world.connect();
  CHECK(client.receive(kHello) == kHello);
  REQUIRE(client.send(lines(1, 5)));
  REQUIRE(eventually([&] { return world.sink(1 - slow).count() == 5; }));
  CHECK(client.hears_nothing(50ms));
  world.sink(slow).release();
  CHECK(client.receive(acks(5)) == acks(5));
  REQUIRE(client.send(lines(6, 9)));
  CHECK(client.receive(acks(9, 1, 6)) == acks(9, 1, 6));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("acks: one for every N frames, for packets too", "[net][ack]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kPacket);
  World world(with_acks({.urls = {url}}, {.every = 3}));
  Client client = world.connect();
  for (int i = 1; i <= 10; ++i) REQUIRE(client.send(url == kPacket ? "frame" : "frame\n"));
  client.half_close();
  const auto ending = client.read_to_end();
  CHECK(ending.bytes == kHello + acks(10, 3));
  CHECK(ending.error.empty());
  world.finish();
}

TEST_CASE(
    "acks: sinks that finish batches out of order, slowly and after retries, leave the acks in "
    "order",
    "[net][ack][threads]") {
  World world(with_acks(
      {.urls = {kTcp, kUnix}, .loops = 3, .queue_bytes = 64 << 10, .sinks = 2, .reorders = true},
      {.every = 7}));
  world.sink(0).set_script([](const Batch& batch) {
    std::this_thread::sleep_for(std::chrono::microseconds(batch.frames.size() / 4));
    return WriteStatus::kDelivered;
  });
  world.sink(1).set_script([attempts = std::make_shared<int>(0)](const Batch&) {
    return ++*attempts % 20 == 3 && *attempts < 70 ? WriteStatus::kRetry : WriteStatus::kDelivered;
  });
  constexpr std::size_t kClients = 8, kFrames = 2000;
  std::vector<std::thread> threads;
  std::atomic<std::size_t> exact{0};
  for (std::size_t c = 0; c < kClients; ++c) {
    threads.emplace_back([&, c] {
      Client client = world.connect(c % 2);
      std::thread sender([&] {
        for (std::size_t i = 0; i < kFrames; i += 10) {
          if (!client.send(lines(i + 1, i + 10))) std::abort();
        }
        client.half_close();
      });
      const auto ending = client.read_to_end();
      sender.join();
      if (ending.error.empty() && ending.bytes == kHello + acks(kFrames, 7)) ++exact;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(exact == kClients);
  world.finish();
  CHECK(world.sink(0).count() == kClients * kFrames);
  CHECK(world.sink(1).count() == kClients * kFrames);
}

TEST_CASE(
    "acks: a batch that one of two sinks fails is not acknowledged, and its connection closes with "
    "FIN",
    "[net][ack]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  const std::size_t failing = GENERATE(0u, 1u);
  const bool half_closed = GENERATE(false, true);
  CAPTURE(url, failing, half_closed);
  World world(with_acks({.urls = {url}, .sinks = 2}));
  world.sink(failing).set_script(fail_poison);
  Client good = world.connect(), bad = world.connect();
  const std::string end = url == kPacket ? "" : "\n";
  REQUIRE(bad.send("fine" + end));
  CHECK(bad.receive(kHello + acks(1)) == kHello + acks(1));
  world.sink(1 - failing).hold();
  REQUIRE(bad.send("poison" + end));
  if (half_closed) bad.half_close();
  REQUIRE(eventually([&] {
    return world.route(failing).lost[static_cast<std::size_t>(RouteLoss::kFailed)] == 1;
  }));
  CHECK(bad.hears_nothing(30ms));  // the other sink has not reported yet
  world.sink(1 - failing).release();
  CHECK(bad.sees_fin());
  bad.close();
  REQUIRE(world.await_ended(1));
  CHECK(world.ended(ConnectionEnd::kUndelivered) == 1);
  REQUIRE(good.send("still here" + end));
  CHECK(good.receive(kHello + acks(1)) == kHello + acks(1));
  good.half_close();
  CHECK(good.sees_fin());
  world.finish();
  CHECK(world.quarantine().written() == 1);
}

TEST_CASE("acks: what an undelivered connection goes on sending is thrown away and counted",
          "[net][ack]") {
  World world(with_acks({.urls = {kTcp}}));
  world.sink().set_script(fail_poison);
  Client client = world.connect();
  REQUIRE(client.send("poison\ntail"));
  CHECK(client.read_to_end().bytes == kHello);
  REQUIRE(client.send("more\n"));
  client.close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().count() == 0);
  CHECK(world.discarded(Reason::kUndelivered) == 5);
}

TEST_CASE("acks: a peer that half-closes gets all its acks, then FIN", "[net][ack]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  World world(with_acks({.urls = {url}, .sinks = 2}));
  world.sink(1).hold();
  Client client = world.connect();
  REQUIRE(client.send(lines(1, 100) + "tail"));
  client.half_close();
  CHECK(client.receive(kHello) == kHello);
  CHECK(client.hears_nothing(100ms));
  CHECK(world.totals().active == 1);
  world.sink(1).release();
  const auto ending = client.read_to_end();
  CHECK(ending.bytes == acks(100));
  CHECK(ending.error.empty());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE(
    "acks: a peer that has gone without waiting for them keeps its records, and nobody waits for "
    "it",
    "[net][ack]") {
  const bool reset = GENERATE(false, true);
  const bool more = GENERATE(false, true);
  CAPTURE(reset, more);
  World world(with_acks({.urls = {kTcp}}));
  world.sink().hold();
  Client client = world.connect();
  REQUIRE(client.receive(kHello) == kHello);
  REQUIRE(client.send("one\n"));
  REQUIRE(world.await_read(4));
  if (more) REQUIRE(client.send("two\nthree\n"));
  if (reset)
    client.reset();
  else
    client.close();
  std::this_thread::sleep_for(20ms);
  world.sink().release();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().count() == (more ? 3 : 1));
  CHECK(world.ended(reset ? ConnectionEnd::kResetByPeer : ConnectionEnd::kClean) == 1);
}

TEST_CASE("acks: a reset that a reply comes upon first is still told as a reset", "[net][ack]") {
  World world(with_acks({.urls = {kTcp}, .queue_bytes = 1}));
  world.sink().hold();
  Client client = world.connect();
  REQUIRE(client.receive(kHello) == kHello);
  REQUIRE(client.send("one\n"));
  REQUIRE(world.await_gate_shut());
  REQUIRE(client.send("two\ntail"));
  REQUIRE(eventually([&] {
    std::size_t parked = 0;
    world.on_loop(0, [&](IoLoop& loop) { parked = loop.parked().size(); });
    return parked == 1;
  }));
  client.reset();
  world.sink().release();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().count() == 2);
  CHECK(world.ended(ConnectionEnd::kResetByPeer) == 1);
}

TEST_CASE("acks: a peer that never reads its replies is closed, in bounded memory", "[net][ack]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  const bool half_closed = GENERATE(false, true);
  CAPTURE(url, half_closed);
  World world(with_acks({.urls = {url}}, {.padding = 10'000}));
  Client client = world.connect();
  world.sink().hold();
  const std::size_t frames = 2000;  // 20 MB of replies
  REQUIRE(client.send(lines(1, frames)));
  if (half_closed) client.half_close();
  REQUIRE(world.await_read(lines(1, frames).size()));
  world.sink().release();
  REQUIRE(world.await_ended(1));
  CHECK(world.ended(ConnectionEnd::kRepliesUnread) == 1);
  const auto ending = client.read_to_end();
  CHECK(ending.error.empty());
  CHECK(ending.bytes.starts_with(kHello + "ack 1."));
  CHECK(ending.bytes.size() < frames * 10'000 / 2);
  world.finish();
  CHECK(world.sink().count() == frames);
}

TEST_CASE("acks: a decoder's deadline is kept, and set anew", "[net][ack]") {
  Setup setup =
      with_acks({.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)}}, {.every = 100, .tick = 50ms});
  setup.acks = GENERATE(true, false);  // a protocol without acknowledgements may have deadlines too
  World world(std::move(setup));
  Client client = world.connect();
  REQUIRE(client.send("one\n"));
  CHECK(client.receive(kHello + "tick\n") == kHello + "tick\n");
  CHECK(client.hears_nothing(250ms));
  REQUIRE(client.send("two\n"));
  CHECK(client.receive("tick\n") == "tick\n");
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
}

TEST_CASE("acks: a peer that neither reads nor sends is idle, though replies wait for it",
          "[net][ack]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  const bool half_closed = GENERATE(false, true);
  CAPTURE(url, half_closed);
  Setup setup{.urls = {url}};
  setup.options.idle_timeout = 600ms;
  World world(with_acks(std::move(setup), {.padding = 30'000}));
  Client client = world.connect();
  // One by one, until replies wait on our side.
  std::size_t frames = 0, pending = 0;
  while (pending == 0 && frames < 2000) {
    ++frames;
    REQUIRE(client.send(lines(frames, frames)));
    REQUIRE(eventually([&] { return world.sink().count() == frames; }));
    world.on_loop(0, [](IoLoop&) {});  // the completion has been there
    world.on_loop(0, [&](IoLoop& loop) {
      loop.connections().for_each(
          [&](Connection& connection) { pending = connection.unsent_bytes(); });
    });
  }
  REQUIRE(pending != 0);
  if (half_closed) client.half_close();
  if (half_closed) {
    REQUIRE(world.await_ended(1));
    CHECK(client.read_to_end().error.empty());
  } else {
    std::this_thread::sleep_for(900ms);
    CHECK(client.read_to_end().error.empty());
    client.close();
  }
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
}

TEST_CASE("acks: a peer that waits for its acks is not idle", "[net][ack]") {
  Setup setup{.urls = {kTcp}};
  setup.options.idle_timeout = 1s;
  World world(with_acks(std::move(setup)));
  world.sink().hold();
  Client client = world.connect();
  REQUIRE(client.send("one\n"));
  CHECK(client.receive(kHello) == kHello);
  CHECK(client.hears_nothing(2500ms));
  world.sink().release();
  CHECK(client.receive(acks(1)) == acks(1));
  CHECK(client.sees_fin());
  client.close();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
}
