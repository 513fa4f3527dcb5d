// Stream and packet connections on real loops: what is sent in whatever pieces arrives, once and in order.
#include <catch2/catch.hpp>
#include <cstring>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "server/net/connection.h"
#include "tests/net/world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

std::string line(std::size_t n, std::size_t size = 0) {
  std::string text = std::to_string(n);
  if (text.size() < size) text.append(size - text.size(), static_cast<char>('a' + n % 26));
  return text;
}

}  // namespace

TEST_CASE("stream: frames over several reads, and a last one without its end, are all delivered",
          "[net][stream]") {
  const unsigned loops = GENERATE(1u, 3u);
  World world({.urls = {kTcp, kUnix, kTcp6}, .loops = loops});
  for (std::size_t url = 0; url < 3; ++url) {
    Client client = world.connect(url);
    for (const char* piece : {"one\ntw", "o\n", "\nthr", "ee\r\nfo", "ur"}) {
      REQUIRE(client.send(piece));
      std::this_thread::yield();
    }
    client.half_close();
    CHECK(client.sees_fin());
  }
  REQUIRE(world.await_ended(3));
  world.finish();
  CHECK(world.sink().count() == 12);
  for (const char* frame : {"one", "two", "three", "four"}) CHECK(world.sink().holds(frame));
  CHECK(world.totals().counts.partial == 3);
  CHECK(world.totals().counts.empty == 3);
  CHECK(world.ended(ConnectionEnd::kClean) == 3);
}

TEST_CASE("stream: a 64 KiB frame in writes of one byte arrives whole", "[net][stream]") {
  World world({.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)}});
  Client client = world.connect();
  const std::string frame = line(7, std::size_t{64} << 10);
  const std::string bytes = frame + "\nshort\n";
  for (const char& byte : bytes) REQUIRE(client.send({&byte, 1}));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  REQUIRE(world.sink().count() == 2);
  CHECK(world.sink().delivered()[0] == frame);
  CHECK(world.sink().delivered()[1] == "short");
  CHECK(world.totals().counts.truncated == 0);
}

TEST_CASE(
    "stream: a long unfinished frame, then short ones in the same read, then a long one again",
    "[net][stream]") {
  World world({.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)}});
  Client client = world.connect();
  std::vector<std::string> wanted;
  std::uint64_t sent = 0;
  for (std::size_t round = 0; round < 5; ++round) {
    const std::string long_one = line(round, 20'000 + round * 9000);
    REQUIRE(client.send(long_one.substr(0, 15'000)));
    REQUIRE(world.await_read(sent + 15'000));  // it is a tail now
    std::string rest = long_one.substr(15'000) + "\n";
    wanted.push_back(long_one);
    for (std::size_t i = 0; i < 300; ++i) {
      wanted.push_back(line(i, i % 40 + 1));
      rest += wanted.back() + "\n";
    }
    REQUIRE(client.send(rest));
    sent += 15'000 + rest.size();
    REQUIRE(world.await_read(sent));
  }
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.sink().delivered() == wanted);
}

TEST_CASE("stream: many connections on all loops lose nothing and keep their order",
          "[net][stream][threads]") {
  World world({.urls = {kTcp, kUnix, kPacket}, .loops = 3});
  constexpr std::size_t kClients = 18, kLines = 3000;
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < kClients; ++c) {
    threads.emplace_back([&world, c] {
      Client client = world.connect(c % 3);
      for (std::size_t i = 0; i < kLines; ++i) {
        const std::string text = std::to_string(c) + ":" + line(i, i * 7 % 300);
        if (!client.send(c % 3 == 2 ? text : text + "\n")) std::abort();
      }
      client.half_close();
      if (!client.sees_fin()) std::abort();
    });
  }
  for (std::thread& thread : threads) thread.join();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == kClients);
  std::vector<std::size_t> next(kClients, 0);
  bool in_order = true;
  for (const std::string& record : world.sink().delivered()) {
    const std::size_t colon = record.find(':');
    std::size_t& expected = next[std::stoul(record)];
    in_order = in_order && record.substr(colon + 1) == line(expected, expected * 7 % 300);
    ++expected;
  }
  CHECK(in_order);
  for (const std::size_t count : next) CHECK(count == kLines);
}

TEST_CASE("stream: the tail policies decide about the unfinished frame at the peer's FIN",
          "[net][stream]") {
  using Tail = Tail;
  const Tail tail = GENERATE(Tail::kAuto, Tail::kDeliver, Tail::kQuarantine, Tail::kDrop);
  const std::string text = GENERATE(as<std::string>{}, "tail", std::string(30'000, 't'));
  CAPTURE(static_cast<int>(tail), text.size());
  World world({.urls = {kTcp}, .raw = {.tail = tail}});
  Client client = world.connect();
  REQUIRE(client.send("line\n" + text));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  const bool delivered = tail == Tail::kAuto || tail == Tail::kDeliver;
  CHECK(world.sink().count() == (delivered ? 2 : 1));
  CHECK(world.totals().counts.partial == (delivered ? 1 : 0));
  CHECK(world.rejected(Reason::kTailFin) == (delivered ? 0 : 1));
  CHECK(world.quarantine().written() == (tail == Tail::kQuarantine ? 1 : 0));
}

TEST_CASE("stream: a reset keeps what came before it, and its tail goes to the quarantine",
          "[net][stream]") {
  World world({.urls = {kTcp}});
  Client client = world.connect();
  REQUIRE(client.send("line\ntail"));
  REQUIRE(world.await_read(9));
  client.reset();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"line"});
  CHECK(world.ended(ConnectionEnd::kResetByPeer) == 1);
  CHECK(world.rejected(Reason::kTailReset) == 1);
}

TEST_CASE("stream: a connection without a byte is a probe", "[net][stream]") {
  World world({.urls = {kTcp, kUnix, kPacket}});
  for (std::size_t url = 0; url < 3; ++url) {
    Client client = world.connect(url);
    client.half_close();
    CHECK(client.sees_fin());
  }
  world.finish();
  CHECK(world.ended(ConnectionEnd::kProbe) == 3);
}

TEST_CASE("stream: a malformed stream gets FIN; its rest is read, counted and thrown away",
          "[net][stream]") {
  const std::string before =
      GENERATE(as<std::string>{}, "", "3 ab", "20000 " + std::string(15'000, 'x'));
  CAPTURE(before.size());
  World world({.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)},
               .raw = {.framing = Framing::kOctetCounted}});
  Client client = world.connect();
  REQUIRE(client.send("4 good" + before));
  REQUIRE(world.await_read(6 + before.size()));
  std::string end = before.empty() ? "" : before.size() < 9 ? "c" : std::string(5000, 'x');
  end += "not a count";
  REQUIRE(client.send(end));
  CHECK(client.sees_fin());
  REQUIRE(client.send(std::string(200'000, 'z')));
  client.half_close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.sink().delivered().front() == "good");
  CHECK(world.sink().count() == (before.empty() ? 1 : 2));
  CHECK(world.discarded(Reason::kMalformed) == 11 + 200'000);
}

TEST_CASE("stream: oversize = close counts all that follows as oversize, read at once or later",
          "[net][stream]") {
  World world({.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)},
               .raw = {.max_frame_bytes = 8, .oversize = Oversize::kClose}});
  Client client = world.connect();
  const bool held = GENERATE(false, true);
  if (held) {
    REQUIRE(client.send("1234"));
    REQUIRE(world.await_read(4));
  }
  REQUIRE(client.send(held ? "56789 and more" : "123456789 and more"));
  CHECK(client.sees_fin());
  REQUIRE(client.send(std::string(50'000, 'z')));
  client.half_close();
  REQUIRE(world.await_ended(1));
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.discarded(Reason::kOversize) == 18 + 50'000);
  CHECK(world.discarded(Reason::kMalformed) == 0);
}

TEST_CASE("stream: malformed with a held tail in front counts its bytes once", "[net][stream]") {
  World world({.urls = {kTcp}, .raw = {.framing = Framing::kOctetCounted}});
  Client client = world.connect();
  REQUIRE(client.send("12"));
  REQUIRE(world.await_read(2));
  REQUIRE(client.send("x and more"));
  CHECK(client.sees_fin());
  client.close();
  world.finish();
  CHECK(world.discarded(Reason::kMalformed) == 12);
}

TEST_CASE("stream: urgent bytes stand in their place in the stream", "[net][stream]") {
  World world({.urls = {GENERATE(as<std::string>{}, kTcp, kUnix)},
               .stop = {.drain_quiet = 1h, .reset_at_deadline = false}});
  Client client = world.connect();
  for (const char* piece : {"on", "e\ntw", "o\n"}) {
    REQUIRE(::send(client.fd(), piece, strlen(piece), MSG_OOB) ==
            static_cast<ssize_t>(strlen(piece)));
    REQUIRE(client.send("x"));
  }
  REQUIRE(client.send("\n"));
  REQUIRE(world.await_read(12));
  world.drain();
  CHECK(client.sees_fin());
  world.at_deadline();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"onxe", "twxo", "x"});
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
}

TEST_CASE("stream: a frame of 16 MiB arrives whole, the next one too", "[net][stream]") {
  World world({.urls = {kTcp}, .raw = {.max_frame_bytes = kMaxFrameBytes}});
  Client client = world.connect();
  const std::string frame(kMaxFrameBytes, 'x');
  REQUIRE(client.send(frame + "\nnext\n"));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  REQUIRE(world.sink().count() == 2);
  CHECK((world.sink().delivered()[0] == frame));
  CHECK(world.sink().delivered()[1] == "next");
}

TEST_CASE("packet: every packet is a record, empty ones are counted, oversize ones are cut",
          "[net][packet]") {
  World world(
      {.urls = {kPacket}, .raw = {.max_frame_bytes = 1000}, .options = {.datagram_bytes = 1002}});
  Client client = world.connect();
  for (const std::string& packet : {std::string("one"), std::string(), std::string("two\n"),
                                    std::string(5000, 'x'), std::string()}) {
    REQUIRE(::send(client.fd(), packet.data(), packet.size(), 0) ==
            static_cast<ssize_t>(packet.size()));
  }
  for (int i = 0; i < 100; ++i) REQUIRE(::send(client.fd(), "", 0, 0) == 0);
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"one", "two", std::string(1000, 'x')});
  CHECK(world.totals().counts.empty == 102);
  CHECK(world.totals().counts.cut_bytes == 4000);
  CHECK(world.totals().datagrams == 105);
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("connection ids: a place that is used again has another id, a stale id finds nobody",
          "[net][stream]") {
  World world({.urls = {kTcp}});
  std::vector<ConnectionId> ids;
  for (std::uint64_t round = 1; round <= 4; ++round) {
    Client client = world.connect();
    REQUIRE(world.await_accepted(round));
    world.on_loop(0, [&](IoLoop& loop) {
      CHECK(loop.connections().size() == 1);
      loop.connections().for_each([&](Connection& connection) { ids.push_back(connection.id()); });
      for (std::size_t i = 0; i < ids.size(); ++i) {
        CHECK((loop.connections().find(ids[i]) != nullptr) == (i + 1 == ids.size()));
      }
      CHECK(loop.connections().find(0) == nullptr);
      CHECK(loop.connections().find(~ConnectionId{0}) == nullptr);
    });
    client.close();
    REQUIRE(world.await_ended(round));
  }
  CHECK(std::set<ConnectionId>(ids.begin(), ids.end()).size() == 4);
}

TEST_CASE("connection ids: loops never give the same one", "[net][stream]") {
  World world({.urls = {kTcp}, .loops = 3});
  std::vector<Client> clients;
  for (std::uint64_t i = 0; i < 12; ++i) {
    clients.push_back(world.connect());
    REQUIRE(world.await_accepted(i + 1));
  }
  std::set<ConnectionId> ids;
  for (unsigned i = 0; i < 3; ++i) {
    world.on_loop(i, [&](IoLoop& loop) {
      CHECK(loop.connections().size() == 4);  // dealt out evenly while idle
      loop.connections().for_each([&](Connection& connection) { ids.insert(connection.id()); });
    });
  }
  CHECK(ids.size() == 12);
  CHECK(ids.count(0) == 0);
}
