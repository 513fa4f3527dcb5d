// Stop, connection by connection (DESIGN.md section 6); the acknowledging ones are in ack_stop_test.cpp.
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "server/net/kernel.h"
#include "tests/net/world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

/// drain_quiet that never comes.
Setup patient(std::string url) {
  return {.urls = {std::move(url)}, .stop = {.drain_quiet = 1h, .reset_at_deadline = false}};
}

/// Writes flat out until it is refused or destroyed.
class Writer {
 public:
  explicit Writer(Client& client) : client_(client), thread_([this] { run(); }) {}
  ~Writer() { stop(); }
  std::uint64_t stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return sent_;
  }

 private:
  void run() {
    const std::string line(199, 'w');
    while (!stopping_) {
      const std::size_t sent = client_.send_some(line + "\n");
      sent_ += sent;
      if (sent == 0) std::this_thread::sleep_for(100us);
    }
  }
  Client& client_;
  std::uint64_t sent_ = 0;  // read after the thread has ended
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace

TEST_CASE("stop: peers that end at our FIN may still finish what they were saying", "[net][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kTcp6, kUnix, kPacket);
  const bool late = GENERATE(false, true);
  CAPTURE(url, late);
  World world(patient(url));
  Client client = world.connect();
  const std::string end = url == kPacket ? "" : "\n";
  REQUIRE(client.send("begun"));
  REQUIRE(world.await_read(5));
  world.drain();
  CHECK(client.sees_fin());
  if (late) REQUIRE(client.send(" and ended" + end + (end.empty() ? "" : "another\n")));
  client.close();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
  CHECK(world.sink().delivered().front() == (late && url != kPacket ? "begun and ended" : "begun"));
  CHECK(world.sink().count() == (late ? 2 : 1));
}

TEST_CASE("stop: what stands in the accept queue is accepted, read and given FIN, limits or not",
          "[net][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kTcp6, kUnix, kPacket);
  CAPTURE(url);
  Setup setup = patient(url);
  setup.loops = 3;
  setup.max_connections = 2;
  World world(std::move(setup));
  std::promise<void> blocked[3], go;
  const std::shared_future<void> gone = go.get_future().share();
  for (unsigned i = 0; i < 3; ++i) {
    world.loop(i).post([&blocked, i, gone] {
      blocked[i].set_value();
      gone.wait();
    });
    blocked[i].get_future().wait();
  }
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(world.connect());
    REQUIRE(clients.back().connect_error() == 0);
    REQUIRE(clients.back().send(url == kPacket ? "hello" : "hello\n"));
  }
  world.drain();
  go.set_value();
  for (Client& client : clients) {
    CHECK(client.sees_fin());
    client.close();
  }
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().count() == 20);
  CHECK(world.ended(ConnectionEnd::kClean) == 20);
}

TEST_CASE("stop: nobody new gets in, and the socket file goes", "[net][stop]") {
  World world({.urls = {kUnix, kPacket}});
  world.drain();
  CHECK(world.await_drained());
  CHECK(world.connect(0).connect_error() == ENOENT);
  CHECK(world.connect(1).connect_error() == ENOENT);
}

TEST_CASE("stop: silent peers on a frame boundary are closed early", "[net][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kTcp6, kUnix, kPacket);
  CAPTURE(url);
  World world({.urls = {url}});
  Client said = world.connect(), silent = world.connect();
  REQUIRE(said.send(url == kPacket ? "x" : "x\n"));
  REQUIRE(world.await_accepted(2));
  world.drain();
  CHECK(world.await_drained());
  CHECK(said.sees_fin());
  CHECK(silent.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kQuiet) == 2);
  CHECK(world.sink().count() == 1);
}

TEST_CASE("stop: a peer in mid-frame is not quiet; the deadline quarantines its tail",
          "[net][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  World world({.urls = {url}});
  Client client = world.connect();
  REQUIRE(client.send("line\ntail"));
  REQUIRE(world.await_read(9));
  world.drain();
  CHECK(client.sees_fin());
  std::this_thread::sleep_for(200ms);
  CHECK(world.totals().active == 1);
  world.at_deadline();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
  CHECK(world.rejected(Reason::kTailDeadline) == 1);
  CHECK(world.sink().count() == 1);
}

TEST_CASE(
    "stop: a writer that ignores FIN is frozen at the deadline; what we read is all that was "
    "acknowledged",
    "[net][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kTcp6, kUnix, kPacket);
  const bool reset = GENERATE(false, true);
  CAPTURE(url, reset);
  Setup setup = patient(url);
  setup.stop.reset_at_deadline = reset;
  World world(std::move(setup));
  Client client = world.connect();
  Writer writer(client);
  REQUIRE(world.await_read(1'000'000));
  world.drain();
  std::this_thread::sleep_for(50ms);
  CHECK(world.totals().active == 1);
  world.at_deadline();
  CHECK(world.await_drained());
  const std::uint64_t taken = writer.stop();  // unix: what the kernel took is what we read
  CHECK(client.sees_fin());
  world.finish();
  const std::uint64_t read = world.totals().read_bytes;
  const auto acked = [&] {
    return kernel::tcp_state(client.fd())->bytes_acked - 1;
  };  // the SYN counts
  if (url.starts_with("unix"))
    CHECK(read == taken);
  else if (reset)
    CHECK(acked() <= read);  // a last delayed ACK may have died with our end
  else
    CHECK(eventually([&] { return acked() == read; }));
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
}

TEST_CASE("stop: at the deadline every other state ends too", "[net][stop]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  Setup setup = patient(url);
  setup.raw.framing = Framing::kOctetCounted;
  setup.options.max_connections = 2;
  World world(std::move(setup));
  Client idle = world.connect(), broken = world.connect();
  REQUIRE(world.await_accepted(2));
  Client refused = world.connect();
  REQUIRE(broken.send("no count"));
  REQUIRE(refused.send("refused"));
  CHECK(broken.sees_fin());
  CHECK(refused.sees_fin());
  world.drain();
  world.at_deadline();
  CHECK(world.await_drained());
  CHECK(idle.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.ended(ConnectionEnd::kRefused) == 1);
  CHECK(world.ended(ConnectionEnd::kDeadline) == 1);
}

TEST_CASE("stop: a connection in an idle timeout's grace period ends with the stop",
          "[net][stop]") {
  Setup setup = patient(GENERATE(as<std::string>{}, kTcp, kUnix, kPacket));
  setup.options.idle_timeout = 50ms;
  World world(std::move(setup));
  Client client = world.connect();
  REQUIRE(client.send("x"));
  CHECK(client.sees_fin());
  world.drain();
  world.at_deadline();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kTimeout) + world.ended(ConnectionEnd::kDeadline) == 1);
}

TEST_CASE("stop: asked for twice, both are answered; deadlines before and after the end do no harm",
          "[net][stop]") {
  World world({.urls = {kTcp, kUnix, kPacket, kUdp, kGram}, .loops = 3});
  Client client = world.connect();
  bool second = false;
  world.drain();
  world.listener().drain([&] { second = true; });
  CHECK(world.await_drained());
  CHECK(second);
  world.drain();
  world.at_deadline();
  world.at_deadline();
  world.at_flush_deadline();
  world.finish();
}

TEST_CASE("stop: the deadline alone stops a listener that was not told to drain on every loop yet",
          "[net][stop]") {
  World world({.urls = {kTcp}, .loops = 3});
  std::vector<Client> clients;
  for (int i = 0; i < 6; ++i) clients.push_back(world.connect());
  world.drain();
  world.at_deadline();
  for (Client& client : clients) CHECK(client.sees_fin());
  CHECK(world.await_drained());
  world.finish();
}

TEST_CASE("stop: everything queued on datagram sockets is read first", "[net][stop][datagram]") {
  const std::string url = GENERATE(as<std::string>{}, kUdp, "udp6://[::1]:0", kGram);
  CAPTURE(url);
  World world({.urls = {url}});
  std::promise<void> blocked, go;
  world.loop(0).post([&] {
    blocked.set_value();
    go.get_future().wait();
  });
  blocked.get_future().wait();
  Client client = world.connect();
  for (int i = 0; i < 8; ++i) REQUIRE(client.send("datagram " + std::to_string(i)));
  REQUIRE(::send(client.fd(), "", 0, 0) == 0);
  world.drain();
  go.set_value();
  CHECK(world.await_drained());
  world.finish();
  CHECK(world.sink().count() == 8);
  CHECK(world.totals().datagrams == 9);
  CHECK(world.totals().counts.empty == 1);
  CHECK(world.totals().kernel_drops == 0);
}

TEST_CASE("stop: a storm of connections on three loops; whoever was connected sees FIN",
          "[net][stop][threads]") {
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix, kPacket);
  CAPTURE(url);
  World world({.urls = {url}, .loops = 3});
  std::atomic<bool> stopping{false};
  std::atomic<std::uint64_t> confirmed{0}, resets{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stopping) {
        Client client = world.connect();
        if (client.connect_error() != 0) continue;
        const bool sent = client.send(url == kPacket ? "record" : "record\n");
        client.half_close();
        const auto ending = client.read_to_end();
        if (ending.error == "reset") ++resets;
        if (sent && ending.error.empty()) ++confirmed;
      }
    });
  }
  REQUIRE(eventually([&] { return confirmed > 300; }));
  world.drain();
  CHECK(world.await_drained());
  stopping = true;
  for (std::thread& thread : threads) thread.join();
  world.finish();
  CHECK(world.sink().count() == confirmed);
  CHECK(resets == 0);
}
