#include "server/net/socket_survey.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <set>
#include <thread>

#include "tests/net/world.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds kLong{10'000};

SocketSurvey survey(World& world, unsigned loops = 1, std::chrono::milliseconds wait = kLong) {
  std::vector<IoLoop*> all;
  for (unsigned i = 0; i < loops; ++i) all.push_back(&world.loop(i));
  return survey_sockets(all, wait);
}

std::vector<SocketRow> of_kind(const SocketSurvey& survey, SocketRow::Kind kind) {
  std::vector<SocketRow> rows;
  std::copy_if(survey.rows.begin(), survey.rows.end(), std::back_inserter(rows),
               [kind](const SocketRow& row) { return row.kind == kind; });
  return rows;
}

}  // namespace

TEST_CASE("survey: what a connection has read, holds and still wants to know", "[net][sockets]") {
  World world({.urls = {kTcp, kUdp, kUnix}});
  Client client = world.connect(0);
  REQUIRE(client.send("one\ntwo\nthr"));
  Client sender = world.connect(1);
  REQUIRE(sender.send("datagram"));
  REQUIRE(world.await_read(19));
  const SocketSurvey seen = survey(world);
  CHECK(seen.complete);
  CHECK(of_kind(seen, SocketRow::Kind::kListening).size() == 2);
  const auto connections = of_kind(seen, SocketRow::Kind::kConnection);
  REQUIRE(connections.size() == 1);
  const SocketRow& one = connections.front();
  CHECK(one.origin->url == world.url(0));
  CHECK(one.phase == SocketRow::Phase::kServing);
  CHECK(one.peer.kind == Peer::Kind::kInet4);
  CHECK(one.read_bytes == 11);
  CHECK(one.events == 2);
  CHECK(one.held_bytes == 3);
  CHECK(one.cookie != 0);
  CHECK(one.id != 0);
  CHECK(one.idle <= one.age);
  CHECK_FALSE(one.paused);
  const auto datagrams = of_kind(seen, SocketRow::Kind::kDatagram);
  REQUIRE(datagrams.size() == 1);
  CHECK(datagrams.front().origin->url == world.url(1));
  CHECK(datagrams.front().read_bytes == 8);
  CHECK(datagrams.front().events == 1);
}

TEST_CASE("survey: a paused connection says since when, and which sink it is", "[net][sockets]") {
  World world({.urls = {kTcp}, .queue_bytes = 1});
  Client client = world.connect();
  world.sink().hold();
  REQUIRE(client.send("first\n"));
  REQUIRE(world.await_gate_shut());
  REQUIRE(client.send("second\n"));
  SocketRow row;
  REQUIRE(eventually([&] {
    row = of_kind(survey(world), SocketRow::Kind::kConnection).at(0);
    return row.paused && *row.paused >= 20ms;
  }));
  CHECK(row.phase == SocketRow::Phase::kPaused);
  CHECK(row.paused_by == world.runner().name());
  CHECK(row.read_bytes == 6);
  world.sink().release();
  REQUIRE(world.await_read(13));
  CHECK(eventually([&] {
    row = of_kind(survey(world), SocketRow::Kind::kConnection).at(0);
    return !row.paused && row.paused_by.empty() && row.phase == SocketRow::Phase::kServing;
  }));
}

TEST_CASE("survey: many connections, over many turns, each once, while others come and go",
          "[net][sockets][threads]") {
  constexpr std::size_t kStaying = 700;  // more than two turns' worth on each loop
  World world({.urls = {kUnix}, .loops = 2});
  std::vector<Client> staying;
  std::set<std::uint64_t> cookies;
  for (std::size_t i = 0; i < kStaying; ++i) {
    staying.push_back(world.connect());
    REQUIRE(world.await_accepted(i + 1));
  }
  for (const SocketRow& row : of_kind(survey(world, 2), SocketRow::Kind::kConnection))
    cookies.insert(row.cookie);
  REQUIRE(cookies.size() == kStaying);
  std::atomic<bool> done{false};
  std::thread others([&] {
    while (!done) {
      Client client = world.connect();
      (void)client.send("x\n");
    }
  });
  bool each_once = true;
  for (int look = 0; look < 20; ++look) {
    const SocketSurvey seen = survey(world, 2);
    std::multiset<std::uint64_t> found;
    for (const SocketRow& row : of_kind(seen, SocketRow::Kind::kConnection))
      if (cookies.contains(row.cookie)) found.insert(row.cookie);
    each_once = each_once && seen.complete && found.size() == kStaying &&
                std::set(found.begin(), found.end()) == cookies;
  }
  done = true;
  others.join();
  CHECK(each_once);
}

TEST_CASE("survey: a loop that hangs is left out, and comes to no harm later", "[net][sockets]") {
  World world({.urls = {kTcp, kUnix}, .loops = 2});
  std::promise<void> go_on;
  world.loop(0).post([&] { go_on.get_future().wait(); });
  const SocketSurvey seen = survey(world, 2, 50ms);
  CHECK_FALSE(seen.complete);
  CHECK(of_kind(seen, SocketRow::Kind::kListening).size() == 1);  // the other loop's
  go_on.set_value();
  CHECK(survey(world, 2).rows.size() == 2);
}
