// Limits, timeouts, budgets: whoever is turned away or closed sees FIN, never a reset, and every byte is counted.
#include <sys/resource.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/net/connection.h"
#include "tests/net/world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;
using As = Catch::Generators::as<std::string>;

TEST_CASE(
    "limits: over any of the three a peer gets FIN, its bytes are read and counted as refused",
    "[net][limits]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kTcp6, kUnix, kPacket);
  const int limit = GENERATE(0, 1, 2);
  CAPTURE(url, limit);
  Setup setup{.urls = {url}};
  if (limit == 0) setup.max_connections = 1;
  if (limit == 1) setup.options.max_connections = 1;
  if (limit == 2) setup.options.max_connections_per_peer = 1;
  World world(std::move(setup));
  Client first = world.connect();
  REQUIRE(world.await_accepted(1));
  const std::string end = url == kPacket ? "" : "\n";
  Client second = world.connect();
  REQUIRE(second.send("refused" + end));
  CHECK(second.sees_fin());
  second.close();
  REQUIRE(world.await_ended(1));
  REQUIRE(first.send("served" + end));
  first.half_close();
  CHECK(first.sees_fin());
  REQUIRE(world.await_ended(2));
  Client third = world.connect();  // there is room again
  REQUIRE(third.send("again" + end));
  third.half_close();
  CHECK(third.sees_fin());
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"served", "again"});
  CHECK(world.ended(ConnectionEnd::kRefused) == 1);
  CHECK(world.discarded(Reason::kRefused) == 7 + end.size());
}

TEST_CASE("limits: a refused packet peer may send empty packets without being reset",
          "[net][limits]") {
  World world({.urls = {kPacket}, .max_connections = 1});
  Client first = world.connect();
  REQUIRE(world.await_accepted(1));
  Client second = world.connect();
  for (const char* packet : {"", "a", "", "", "b"})
    REQUIRE(::send(second.fd(), packet, strlen(packet), MSG_NOSIGNAL) >= 0);
  CHECK(second.sees_fin());
  REQUIRE(second.send("later"));
  second.half_close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.discarded(Reason::kRefused) == 7);
  CHECK(world.ended(ConnectionEnd::kRefused) == 1);
}

TEST_CASE(
    "limits: a refused peer that writes without end is read for a MiB, then frozen, never reset",
    "[net][limits]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  CAPTURE(url);
  World world({.urls = {url}, .max_connections = 1});
  Client first = world.connect();
  REQUIRE(world.await_accepted(1));
  Client second = world.connect();
  const std::string block(10'000, 'x');
  std::uint64_t sent = 0;
  REQUIRE(eventually([&] {
    sent += second.send_some(block);
    return world.ended(ConnectionEnd::kRefused) == 1;
  }));
  CHECK(second.sees_fin());
  world.finish();
  CHECK(world.discarded(Reason::kRefused) >= std::uint64_t{1} << 20);
  CHECK(world.discarded(Reason::kRefused) <= sent);
}

TEST_CASE("limits: refusals past their number do not stop accept, and nobody is reset",
          "[net][limits]") {
  World world({.urls = {kTcp}, .max_connections = 1, .max_refusals = 2});
  Client first = world.connect();
  REQUIRE(world.await_accepted(1));
  std::vector<Client> refused;
  for (int i = 0; i < 6; ++i) refused.push_back(world.connect());
  REQUIRE(world.await_accepted(7));
  for (Client& client : refused) {
    CHECK(client.sees_fin());
    client.close();
  }
  world.finish();
  CHECK(world.ended(ConnectionEnd::kRefused) == 6);
}

TEST_CASE(
    "timeouts: a peer without a first byte, or silent for too long, gets FIN; its tail goes to the "
    "quarantine",
    "[net][limits]") {
  const bool first_byte = GENERATE(true, false);
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  CAPTURE(first_byte, url);
  Setup setup{.urls = {url}};
  (first_byte ? setup.options.first_byte_timeout : setup.options.idle_timeout) = 1500ms;
  World world(std::move(setup));
  Client silent = world.connect(), talking = world.connect();
  if (!first_byte) REQUIRE(silent.send("tail"));
  REQUIRE(talking.send("talk\n"));
  const auto begun = std::chrono::steady_clock::now();
  std::atomic<bool> silent_ended{false};
  std::thread talks([&] {
    while (!silent_ended) {
      if (!talking.send("talk\n")) std::abort();
      std::this_thread::sleep_for(20ms);
    }
  });
  CHECK(silent.sees_fin());
  CHECK(std::chrono::steady_clock::now() - begun >= 1400ms);
  silent_ended = true;
  talks.join();
  silent.half_close();
  REQUIRE(world.await_ended(1));
  talking.half_close();
  CHECK(talking.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
  CHECK(world.rejected(Reason::kTailTimeout) == (first_byte || url == kPacket ? 0 : 1));
}

TEST_CASE("timeouts: frames that come after our FIN are still delivered", "[net][limits]") {
  Setup setup{.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)}};
  setup.options.idle_timeout = 1s;
  World world(std::move(setup));
  Client client = world.connect();
  REQUIRE(client.send("one\ntw"));
  CHECK(client.sees_fin());
  REQUIRE(client.send("o\nthree\n"));
  client.close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("timeouts: a silent peer that ignores our FIN is frozen and closed", "[net][limits]") {
  Setup setup{.urls = {GENERATE(as<std::string>{}, kTcp, kUnix, kPacket)}};
  setup.options.idle_timeout = 100ms;
  World world(std::move(setup));
  Client client = world.connect();
  REQUIRE(client.send("tail"));
  REQUIRE(world.await_ended(1));
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
}

TEST_CASE(
    "partial budget: the connection with the largest unfinished frame is closed, the others live",
    "[net][limits]") {
  World world({.urls = {kTcp}, .partial_bytes = 100'000});
  Client large = world.connect(), small = world.connect(), medium = world.connect();
  REQUIRE(small.send(std::string(100, 's')));
  REQUIRE(large.send(std::string(60'000, 'l')));
  REQUIRE(world.await_read(60'100));
  REQUIRE(medium.send(std::string(45'000, 'm')));
  CHECK(large.sees_fin());
  REQUIRE(large.send("more of it\n"));
  large.close();
  REQUIRE(world.await_ended(1));
  CHECK(world.ended(ConnectionEnd::kPartialBudget) == 1);
  REQUIRE(small.send("\n"));
  REQUIRE(medium.send("\n"));
  for (Client* client : {&small, &medium}) {
    client->half_close();
    CHECK(client->sees_fin());
  }
  world.finish();
  CHECK(world.sink().count() == 2);
  CHECK(world.sink().holds(std::string(100, 's')));
  CHECK(world.sink().holds(std::string(45'000, 'm')));
  CHECK(world.rejected(Reason::kPartialBudget) == 1);
  CHECK(world.discarded(Reason::kPartialBudget) == 60'000 + 11);
}

TEST_CASE("partial budget: hoarders on one loop do not cost a good peer on another its connection",
          "[net][limits]") {
  World world({.urls = {kTcp}, .loops = 2, .partial_bytes = 200'000});
  std::vector<Client> clients;
  std::vector<unsigned> loop_of;
  for (std::uint64_t i = 0; i < 8; ++i) {
    std::size_t before = 0, after = 0;
    world.on_loop(1, [&](IoLoop& loop) { before = loop.connections().size(); });
    clients.push_back(world.connect());
    REQUIRE(world.await_accepted(i + 1));
    world.on_loop(1, [&](IoLoop& loop) { after = loop.connections().size(); });
    loop_of.push_back(after == before ? 0u : 1u);
  }
  Client* good = nullptr;
  std::uint64_t read = 0;
  for (std::size_t i = 0; i < clients.size(); ++i) {
    if (loop_of[i] == 1 && good == nullptr) good = &clients[i];
    if (loop_of[i] == 1) continue;
    REQUIRE(clients[i].send(
        std::string(50'000, 'h')));  // four of these fill the budget but do not exceed it
    REQUIRE(world.await_read(read += 50'000));
  }
  REQUIRE(good != nullptr);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(good->send(std::string(5000, 'g')));
    REQUIRE(world.await_read(read += 5000));
    REQUIRE(good->send("\n"));
    REQUIRE(world.await_read(++read));
  }
  good->half_close();
  CHECK(good->sees_fin());
  for (Client& client : clients) client.close();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kPartialBudget) <= 4);
  std::size_t good_frames = 0;
  for (const std::string& record : world.sink().delivered())
    good_frames += record == std::string(5000, 'g');
  CHECK(good_frames == 20);
}

TEST_CASE(
    "limits: without descriptors connections wait in the queue, unharmed, and are served later",
    "[net][limits]") {
  const std::string verdict = test::in_child(0, [] {
    World world({.urls = {kTcp, kUnix, kPacket}});
    std::vector<Client> clients;
    for (std::size_t i = 0; i < 12; ++i) {
      clients.push_back(world.connect(i % 3));
      if (clients.back().connect_error() != 0) return std::string("cannot connect");
    }
    if (!world.await_accepted(12)) return std::string("not accepted");
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    std::vector<UniqueFd> hoard;
    const rlim_t before = limit.rlim_cur;
    // Sockets for six more clients, made now: the server's loop would take any descriptor that came free.
    std::vector<UniqueFd> sockets;
    for (std::size_t i = 0; i < 6; ++i) sockets.push_back(world.unconnected(i % 3));
    limit.rlim_cur = static_cast<rlim_t>(sockets.back().get()) + 1;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (UniqueFd filler(dup(0)); filler; filler.reset(dup(0))) hoard.push_back(std::move(filler));
    for (std::size_t i = 0; i < 6; ++i) {
      clients.push_back(world.connect(i % 3, std::move(sockets[i])));
      if (clients.back().connect_error() != 0) return std::string("cannot connect late");
      if (!clients.back().send(i % 3 == 2 ? "late" : "late\n")) return std::string("cannot send");
    }
    std::this_thread::sleep_for(250ms);
    if (world.totals().accepted != 12) return std::string("accepted without a descriptor");
    limit.rlim_cur = before;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (!world.await_accepted(18)) return std::string("not accepted afterwards");
    for (Client& client : clients) {
      client.half_close();
      const auto ending = client.read_to_end();
      if (!ending.error.empty()) return "end: " + ending.error;
    }
    world.finish();
    if (world.sink().count() != 6) return std::to_string(world.sink().count()) + " records";
    return std::string("ok");
  });
  CHECK(verdict == "ok");
}

TEST_CASE("limits: peers that have said all and left hold no place", "[net][limits]") {
  Setup setup{.urls = {GENERATE(As{}, kTcp, kUnix, kPacket)}, .loops = GENERATE(1U, 2U)};
  // One at a time on each loop.
  (GENERATE(true, false) ? setup.max_connections : setup.options.max_connections) = setup.loops;
  setup.options.max_connections_per_peer = setup.loops;
  const bool packets = setup.urls[0] == kPacket;
  World world(setup);
  // While no loop turns, many come and go, one after another.
  std::mutex standing;
  std::unique_lock still(standing);
  std::atomic<unsigned> reached{0};
  for (unsigned i = 0; i < setup.loops; ++i) {
    world.loop(i).post([&] {
      ++reached;
      const std::lock_guard wait(standing);
    });
  }
  REQUIRE(eventually([&] { return reached == setup.loops; }));
  constexpr std::size_t kPeers = 100;
  for (std::size_t i = 0; i < kPeers; ++i) {
    Client client = world.connect();
    REQUIRE(client.connect_error() == 0);
    REQUIRE(client.send(packets ? "all" : "all\n"));
  }
  still.unlock();
  REQUIRE(world.await_accepted(kPeers));
  world.finish();
  CHECK(world.sink().count() == kPeers);
  CHECK(world.ended(ConnectionEnd::kRefused) == 0);
}

TEST_CASE("limits: beyond what the descriptors allow peers wait in the queue", "[net][limits]") {
  World world({.urls = {GENERATE(As{}, kTcp, kUnix, kPacket)},
               .max_connections = 3,
               .beyond = ConnectionBudget::Beyond::kWait});
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(world.connect());
  for (Client& client : clients) REQUIRE(client.send("waits\n"));
  REQUIRE(world.await_accepted(3));
  CHECK(clients.back().hears_nothing(250ms));
  CHECK(world.totals().accepted == 3);
  for (Client& client : clients) {
    client.half_close();
    CHECK(client.sees_fin());
  }
  world.finish();
  CHECK(world.sink().count() == 6);
  CHECK(world.ended(ConnectionEnd::kRefused) == 0);
}

TEST_CASE("limits: nobody is idle while the loop stands still", "[net][limits]") {
  World world(
      {.urls = {GENERATE(As{}, kTcp, kUnix, kPacket)}, .options = {.idle_timeout = 2000ms}});
  Client client = world.connect();
  REQUIRE(client.send("one\n"));
  REQUIRE(world.await_accepted(1));
  world.on_loop(0, [](IoLoop&) { ::poll(nullptr, 0, 2500); });
  CHECK(client.hears_nothing(200ms));
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
}
