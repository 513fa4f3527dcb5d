#include "server/net/peer_command.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "tests/net/world.h"
#include "tests/support/child.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

Peer unix_peer(std::int32_t pid) { return {.kind = Peer::Kind::kUnix, .pid = pid}; }

/// Calls this thread so while it lives. A process is called as its first thread, which runs the tests.
class Called {
 public:
  explicit Called(const char* name) {
    prctl(PR_GET_NAME, before_);
    prctl(PR_SET_NAME, name);
  }
  ~Called() { prctl(PR_SET_NAME, before_); }

 private:
  char before_[16] = {};
};

std::string command_now(std::int32_t pid) {
  Peer peer = unix_peer(pid);
  read_command(peer);
  return std::string(command_of(peer));
}

/// A number that no process has: of one that has just ended.
std::int32_t ended_process() {
  return static_cast<std::int32_t>(std::stoi(in_child([] { return std::to_string(::getpid()); })));
}

}  // namespace

TEST_CASE("peer command: the kernel's name of the process, whatever bytes it has",
          "[net][command]") {
  const std::string name = GENERATE("plain", "(a) b c", "two\nlines", "ends in LF\n",
                                    "\xff\xc3\xa9 \"\\", "fifteen bytes..");
  const Called called(name.c_str());
  CHECK(command_now(::getpid()) == name);
}

TEST_CASE("peer command: unknown for who is not there, and for other peers", "[net][command]") {
  CHECK(command_now(ended_process()).empty());
  CHECK(command_now(0).empty());
  CHECK(command_now(-1).empty());
  Peer inet{.kind = Peer::Kind::kInet4, .address = {192, 0, 2, 1}, .pid = ::getpid()};
  read_command(inet);
  CHECK(address_text(inet) == "192.0.2.1");
}

TEST_CASE("peer command: remembered for a second", "[net][command]") {
  CommandCache cache;
  const auto at = [&cache](std::chrono::milliseconds now) {
    Peer peer = unix_peer(::getpid());
    cache.add_command(peer, now);
    return std::string(command_of(peer));
  };
  const auto begin = 5000ms;
  const Called first("first");
  CHECK(at(begin) == "first");
  const Called second("second");
  CHECK(at(begin + 999ms) == "first");
  CHECK(at(begin + 1000ms) == "second");
  const Called third("third");
  CHECK(at(begin + 1999ms) == "second");
  CHECK(at(begin + 5000ms) == "third");
}

TEST_CASE("peer command: that there is none is remembered too, and for each process alone",
          "[net][command]") {
  CommandCache cache;
  Peer gone = unix_peer(ended_process()), here = unix_peer(::getpid()), nobody = unix_peer(0);
  for (const auto now : {0ms, 1ms, 2ms}) {
    for (Peer* peer : {&gone, &here, &nobody}) cache.add_command(*peer, now);
    CHECK(command_of(gone).empty());
    CHECK(command_of(here) == command_now(::getpid()));
    CHECK(command_of(nobody).empty());
  }
}

TEST_CASE("peer command: asked for by the listener's options, on every kind of unix socket",
          "[net][command]") {
  const std::string url = GENERATE(as<std::string>{}, kUnix, kGram, kPacket);
  const bool wanted = GENERATE(false, true);
  CAPTURE(url, wanted);
  Setup setup{.urls = {url}};
  setup.options.peer_commands = wanted;
  World world(std::move(setup));
  std::vector<Peer> peers;
  world.sink().set_script([&](const Batch& batch) {
    for (const Segment& segment : batch.segments) peers.push_back(segment.peer);
    return WriteStatus::kDelivered;
  });
  {
    const Called called("a client");
    Client client = world.connect();
    client.send("record\n");
    CHECK(eventually([&] { return world.sink().count() == 1; }));
  }
  world.finish();
  REQUIRE(peers.size() == 1);
  CHECK(peers[0].pid == ::getpid());
  CHECK(peers[0].uid == ::getuid());
  CHECK(command_of(peers[0]) == (wanted ? "a client" : ""));
}
