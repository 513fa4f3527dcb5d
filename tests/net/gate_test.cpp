// Gates: a sink that stands still parks connections; nothing is lost whatever the peer does meanwhile.
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "server/net/kernel.h"
#include "tests/net/world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

/// The first batch fills the queue.
Setup tight(std::string url, unsigned loops = 1) {
  return {.urls = {std::move(url)}, .loops = loops, .queue_bytes = 1};
}

std::size_t parked(World& world, unsigned loop = 0) {
  std::size_t n = 0;
  world.on_loop(loop, [&](IoLoop& one) { n = one.parked().size(); });
  return n;
}

void shut(World& world, Client& client, const std::string& first) {
  world.sink().hold();
  REQUIRE(client.send(first));
  REQUIRE(world.await_gate_shut());
}

}  // namespace

TEST_CASE("gate: while it is shut nothing is read; opened, everything comes, in order",
          "[net][gate]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  CAPTURE(url);
  World world(tight(url));
  Client client = world.connect();
  const std::string end = url == kPacket ? "" : "\n";
  shut(world, client, "first" + end);
  std::vector<std::string> wanted{"first"};
  for (int i = 0; i < 50; ++i) {
    wanted.push_back("line " + std::to_string(i));
    REQUIRE(client.send(wanted.back() + end));
  }
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  CHECK(world.totals().read_bytes == 5 + end.size());
  world.sink().release();
  CHECK(eventually([&] { return world.sink().count() == wanted.size(); }));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.sink().delivered() == wanted);
}

TEST_CASE("gate: TCP's window closes on the sender, and opens again", "[net][gate]") {
  World world(tight(kTcp));
  Client client = world.connect();
  shut(world, client, "first\n");
  const std::string block = std::string(1023, 'x') + "\n";
  constexpr std::size_t kFarTooMany = 100'000;  // 100 MB: more than both buffers ever hold
  std::size_t blocks = 0;
  std::string unsent;
  for (int idle = 0; idle < 20 && blocks < kFarTooMany;) {  // until nothing is taken for 20 ms
    if (unsent.empty()) unsent = block, ++blocks;
    const std::size_t n = client.send_some(unsent);
    unsent.erase(0, n);
    if (n == 0) std::this_thread::sleep_for(1ms);
    idle = n == 0 ? idle + 1 : 0;
  }
  REQUIRE(blocks < kFarTooMany);
  CHECK(world.totals().read_bytes == 6);
  world.sink().release();
  REQUIRE(client.send(unsent));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.sink().count() == 1 + blocks);
}

TEST_CASE("gate: a peer's FIN while parked waits its turn; all that came before it is delivered",
          "[net][gate]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  World world(tight(url));
  Client client = world.connect();
  const std::string end = url == kPacket ? "" : "\n";
  shut(world, client, "first" + end);
  REQUIRE(client.send("second" + end));
  REQUIRE(client.send("tail"));
  client.close();
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  CHECK(world.totals().active == 1);
  world.sink().release();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"first", "second", "tail"});
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("gate: a peer's reset while parked loses nothing that came before it", "[net][gate]") {
  World world(tight(kTcp));
  Client client = world.connect();
  shut(world, client, "first\n");
  REQUIRE(client.send("second\nthird\n"));
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  client.reset();
  std::this_thread::sleep_for(20ms);  // a parked connection must not do anything about it
  CHECK(world.totals().active == 1);
  world.sink().release();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"first", "second", "third"});
  CHECK(world.ended(ConnectionEnd::kResetByPeer) == 1);
}

TEST_CASE("gate: idle clocks stand still while we are the slow side", "[net][gate]") {
  Setup setup = tight(kTcp);
  setup.options.idle_timeout = 1s;
  World world(std::move(setup));
  Client client = world.connect();
  shut(world, client, "first\n");
  REQUIRE(client.send("second\n"));
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  std::this_thread::sleep_for(2500ms);
  CHECK(world.totals().active == 1);
  CHECK(world.ended(ConnectionEnd::kTimeout) == 0);
  world.sink().release();
  CHECK(client.sees_fin());  // now it is idle itself
  client.close();
  world.finish();
  CHECK(world.sink().count() == 2);
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
}

TEST_CASE("gate: idle connections are never parked", "[net][gate]") {
  World world(tight(kTcp));
  std::vector<Client> idle;
  for (std::uint64_t i = 0; i < 20; ++i) {
    idle.push_back(world.connect());
    REQUIRE(world.await_accepted(i + 1));
  }
  Client client = world.connect();
  shut(world, client, "first\n");
  REQUIRE(client.send("second\n"));
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  std::this_thread::sleep_for(20ms);
  CHECK(parked(world) == 1);
}

TEST_CASE("gate: with several loops and a slow sink no connection is forgotten",
          "[net][gate][threads]") {
  World world({.urls = {kTcp, kUnix, kPacket, "unixgram://g"}, .loops = 3, .queue_bytes = 20'000});
  world.sink().set_script([](const Batch& batch) {
    std::this_thread::sleep_for(std::chrono::microseconds(batch.frames.size() / 8));
    return WriteStatus::kDelivered;
  });
  constexpr std::size_t kClients = 16, kLines = 2000;
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < kClients; ++c) {
    threads.emplace_back([&world, c] {
      Client client = world.connect(c % 4);
      for (std::size_t i = 0; i < kLines; ++i) {
        const std::string text = std::to_string(c) + ":" + std::to_string(i);
        if (!client.send(c % 4 < 2 ? text + "\n" : text)) std::abort();
      }
      if (c % 4 == 3) return;
      client.half_close();
      if (!client.sees_fin()) std::abort();
    });
  }
  for (std::thread& thread : threads) thread.join();
  world.finish();
  std::vector<std::size_t> next(kClients, 0);
  bool in_order = true;
  for (const std::string& record : world.sink().delivered()) {
    in_order =
        in_order && std::stoul(record.substr(record.find(':') + 1)) == next[std::stoul(record)]++;
  }
  CHECK(in_order);
  for (const std::size_t count : next) CHECK(count == kLines);
}

TEST_CASE("gate: a stop while it is shut waits for it; what was sent before the stop is delivered",
          "[net][gate][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  const bool past_deadline = GENERATE(false, true);
  CAPTURE(url, past_deadline);
  World world(tight(url));
  Client client = world.connect();
  const std::string end = url == kPacket ? "" : "\n";
  shut(world, client, "first" + end);
  REQUIRE(client.send("second" + end));
  REQUIRE(client.send("third" + end));
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  world.drain();
  if (past_deadline) world.at_deadline();
  std::this_thread::sleep_for(200ms);
  CHECK(world.totals().active == 1);
  CHECK(world.totals().read_bytes == 5 + end.size());
  world.sink().release();
  if (!past_deadline) client.half_close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"first", "second", "third"});
  CHECK(world.ended(past_deadline ? ConnectionEnd::kDeadline : ConnectionEnd::kClean) == 1);
}

TEST_CASE(
    "gate: past the deadline a dead sink is diverted, and frozen receive buffers are read to the "
    "end",
    "[net][gate][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket, "unixgram://g");
  CAPTURE(url);
  World world(tight(url));
  Client client = world.connect();
  const std::string end = url == kTcp || url == kUnix ? "\n" : "";
  shut(world, client, "first" + end);
  for (int i = 0; i < 5; ++i) REQUIRE(client.send(std::to_string(i) + end));
  REQUIRE(eventually([&] { return parked(world) == 1; }));
  world.drain();
  world.at_deadline();
  std::this_thread::sleep_for(50ms);
  CHECK(world.totals().counts.events == 1);
  world.runner().divert();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().count() == 0);
  CHECK(world.route().lost[static_cast<std::size_t>(RouteLoss::kLeftover)] == 6);
  CHECK(world.leftover().records() == 6);
}
