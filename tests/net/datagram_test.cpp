// udp and unixgram sockets on real loops, and the seam in front of the protocol.
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "server/net/connection.h"
#include "tests/net/world.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

/// A header of eight bytes in front of the stream: "PEER nn\n" makes 192.0.2.nn of the peer.
class NumberPreface final : public Preface {
 public:
  Status advance(int fd, Peer& peer, std::size_t& bytes) override {
    while (header_.size() < 8) {
      char byte = 0;
      const ssize_t n = ::recv(fd, &byte, 1, MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) return Status::kAgain;
      if (n <= 0) return Status::kMalformed;
      header_ += byte;
      ++bytes;
      if (!std::string("PEER ").starts_with(header_.substr(0, 5))) return Status::kMalformed;
    }
    peer.kind = Peer::Kind::kInet4;
    peer.address = {192, 0, 2, static_cast<std::uint8_t>(std::stoi(header_.substr(5)))};
    return Status::kDone;
  }

 private:
  std::string header_;
};

Setup with_preface(std::string url) {
  Setup setup{.urls = {std::move(url)}};
  setup.options.make_preface = [] { return std::make_unique<NumberPreface>(); };
  return setup;
}

}  // namespace

TEST_CASE("datagrams: each is a record, empty ones are counted, long ones are cut at the slot",
          "[net][datagram]") {
  const std::string url = GENERATE(as<std::string>{}, kUdp, "udp6://[::1]:0", kGram);
  CAPTURE(url);
  World world(
      {.urls = {url}, .raw = {.max_frame_bytes = 1000}, .options = {.datagram_bytes = 1002}});
  Client client = world.connect();
  for (const std::string& text :
       {std::string("one"), std::string(), std::string("two\n"), std::string(5000, 'x')}) {
    REQUIRE(::send(client.fd(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }
  REQUIRE(eventually([&] { return world.totals().datagrams == 4; }));
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"one", "two", std::string(1000, 'x')});
  CHECK(world.totals().counts.empty == 1);
  CHECK(world.totals().counts.truncated == 1);
  CHECK(world.totals().counts.cut_bytes == 4000);
  CHECK(world.totals().read_bytes == 3 + 4 + 5000);
}

TEST_CASE("datagrams: the largest of each scheme arrive whole", "[net][datagram]") {
  const std::string url = GENERATE(as<std::string>{}, kUdp, kGram);
  const std::size_t size = url == kUdp ? 65'507 : 200'000;
  World world({.urls = {url},
               .raw = {.max_frame_bytes = 1u << 20},
               .options = {.datagram_bytes = (1u << 20) + 2}});
  Client client = world.connect();
  const int buffer = 1 << 20;
  ::setsockopt(client.fd(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  const std::string text(size, 'x');
  REQUIRE(client.send(text));
  REQUIRE(eventually([&] { return world.sink().count() == 1; }));
  world.finish();
  CHECK(world.sink().delivered().front() == text);
}

TEST_CASE("datagrams: with gro a train is as many records as the sender cut it into",
          "[net][datagram]") {
  Setup setup{.urls = {kUdp}};
  setup.options.gro = true;
  setup.options.datagram_bytes = 65'537;
  World world(std::move(setup));
  Client client = world.connect();
  const int segment = 100;
  REQUIRE(::setsockopt(client.fd(), IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0);
  std::vector<std::string> wanted;
  std::string train;
  for (char c = 'a'; c <= 'z'; ++c) {
    wanted.emplace_back(100, c);
    train += wanted.back();
  }
  wanted.emplace_back("short");
  REQUIRE(client.send(train + "short"));
  REQUIRE(eventually([&] { return world.sink().count() == wanted.size(); }));
  world.finish();
  CHECK(world.sink().delivered() == wanted);
  CHECK(world.totals().datagrams == wanted.size());
}

TEST_CASE("datagrams: sent is read plus dropped by the kernel while the sink stands still",
          "[net][datagram]") {
  World world({.urls = {kUdp}, .queue_bytes = 1});
  Client client = world.connect();
  world.sink().hold();
  REQUIRE(client.send("first"));
  REQUIRE(world.await_gate_shut());
  std::uint64_t sent = 1;
  const std::string text(1000, 'x');
  for (int i = 0; i < 20'000; ++i) sent += ::send(client.fd(), text.data(), text.size(), 0) == 1000;
  REQUIRE(eventually([&] { return world.totals().kernel_drops > 0; }));
  CHECK(world.totals().datagrams <= 65);  // one call's worth at most
  world.sink().release();
  REQUIRE(
      eventually([&] { return world.totals().datagrams + world.totals().kernel_drops == sent; }));
  world.finish();
  CHECK(world.sink().count() == world.totals().datagrams);
}

TEST_CASE("datagrams: unixgram senders get EAGAIN while the sink stands still, and nothing is lost",
          "[net][datagram]") {
  World world({.urls = {kGram}, .queue_bytes = 1});
  Client client = world.connect();
  world.sink().hold();
  REQUIRE(client.send("first"));
  REQUIRE(world.await_gate_shut());
  std::size_t sent = 1;
  while (client.send_some("more") != 0) REQUIRE(++sent < 100'000);
  world.sink().release();
  REQUIRE(client.send("last"));
  REQUIRE(eventually([&] { return world.sink().count() == sent + 1; }));
  world.finish();
  CHECK(world.totals().kernel_drops == 0);
  CHECK(world.sink().delivered().back() == "last");
}

TEST_CASE("datagrams: what comes behind the freeze of a stop is refused, not dropped",
          "[net][datagram][stop]") {
  World world({.urls = {kUdp}, .queue_bytes = 1});
  Client client = world.connect();
  world.sink().hold();
  REQUIRE(client.send("first"));
  REQUIRE(world.await_gate_shut());
  REQUIRE(client.send("second"));
  world.drain();
  world.on_loop(0, [](IoLoop&) {});
  for (int i = 0; i < 5; ++i) REQUIRE(client.send("late"));
  CHECK(world.totals().kernel_drops == 0);
  world.sink().release();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().delivered() == std::vector<std::string>{"first", "second"});
  CHECK(world.totals().refused_while_stopping == 5);
  CHECK(world.totals().kernel_drops == 0);
}

TEST_CASE("datagrams: senders keep their order, however many share a read",
          "[net][datagram][threads]") {
  World world({.urls = {kGram, kGram + std::string("2")}, .loops = 2});
  constexpr std::size_t kSenders = 4, kEach = 3000;
  std::vector<std::thread> threads;
  for (std::size_t s = 0; s < kSenders; ++s) {
    threads.emplace_back([&world, s] {
      Client client = world.connect(s % 2);
      for (std::size_t i = 0; i < kEach; ++i) {
        if (!client.send(std::to_string(s) + ":" + std::to_string(i))) std::abort();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  world.finish();
  std::vector<std::size_t> next(kSenders, 0);
  bool in_order = true;
  for (const std::string& record : world.sink().delivered()) {
    in_order =
        in_order && std::stoul(record.substr(record.find(':') + 1)) == next[std::stoul(record)]++;
  }
  CHECK(in_order);
  for (const std::size_t count : next) CHECK(count == kEach);
}

TEST_CASE(
    "preface: the peer it names is the one that limits count, and the stream begins behind it",
    "[net][preface]") {
  Setup setup = with_preface(kTcp);
  setup.options.max_connections_per_peer = 1;
  World world(std::move(setup));
  Client first = world.connect(), other = world.connect(), again = world.connect();
  REQUIRE(first.send("PEE"));
  REQUIRE(world.await_accepted(3));
  REQUIRE(first.send("R 01\none\n"));
  REQUIRE(eventually([&] { return world.sink().holds("one"); }));
  REQUIRE(other.send("PEER 02\ntwo\n"));
  REQUIRE(eventually([&] { return world.sink().holds("two"); }));
  REQUIRE(again.send("PEER 01\nthree\n"));
  for (Client* client : {&again, &first, &other}) {
    if (client != &again) client->half_close();
    CHECK(client->sees_fin());
    client->close();
  }
  world.finish();
  CHECK(world.sink().count() == 2);
  CHECK(world.ended(ConnectionEnd::kRefused) == 1);
  CHECK(world.discarded(Reason::kRefused) == 6);
}

TEST_CASE("preface: a malformed one, or none before the stop, ends with FIN", "[net][preface]") {
  World world(with_preface(GENERATE(as<std::string>{}, kTcp, kUnix)));
  Client wrong = world.connect(), silent = world.connect();
  REQUIRE(wrong.send("HELLO"));
  CHECK(wrong.sees_fin());
  wrong.close();
  REQUIRE(world.await_ended(1));
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  REQUIRE(world.await_accepted(2));
  world.drain();
  CHECK(silent.sees_fin());
  world.at_deadline();
  silent.close();
  CHECK(world.await_drained());
  world.finish();
}

TEST_CASE("preface: its bytes are part of what was read when a stop proves that nothing is missing",
          "[net][preface][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  Setup setup = with_preface(url);
  setup.stop.drain_quiet = 1h;
  World world(std::move(setup));
  Client client = world.connect();
  REQUIRE(client.send("PEER 01\none\n"));
  REQUIRE(eventually([&] { return world.sink().holds("one"); }));
  world.drain();
  world.at_deadline();
  CHECK(client.sees_fin());
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
  CHECK(world.totals().read_bytes == 12);
  CHECK(world.totals().counts.framing_bytes == 9);
}

TEST_CASE("preface: a silent peer does not hold up a stop", "[net][preface][stop]") {
  World world(with_preface(kTcp));
  Client client = world.connect();
  REQUIRE(world.await_accepted(1));
  world.drain();
  CHECK(client.sees_fin());
  client.close();
  CHECK(world.await_drained());
  world.finish();
}

TEST_CASE("preface: a peer that says nothing is not served for ever", "[net][preface]") {
  Setup setup = with_preface(kTcp);
  setup.options.first_byte_timeout = 100ms;
  World world(std::move(setup));
  Client client = world.connect();
  CHECK(client.sees_fin());
  client.close();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) == 1);
}
