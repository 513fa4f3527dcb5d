#include "server/admin/taps.h"

#include <catch2/catch.hpp>

#include <condition_variable>
#include <string>

#include "tests/sinks/batches.h"

using namespace penstock;
using namespace penstock::admin;
using namespace std::chrono_literals;
using test::BatchBuilder;

namespace {

const Origin kOrigin{"in", "tcp://127.0.0.1:5514"};

std::shared_ptr<SealedBatch> batch_of(const std::vector<std::string>& records) {
  return std::make_shared<SealedBatch>(
      BatchBuilder().lines(kOrigin, test::inet_peer(192, 0, 2, 1), 0, records).take(), 0, nullptr);
}

struct Rig {
  HttpReply open(std::map<std::string, std::string> query) {
    return taps.open({.method = "GET", .path = "/api/tap", .query = std::move(query)});
  }
  /// Until `stream` has given `lines` of them; each time it has nothing, until the thread says that it may have.
  std::string read(HttpStream& stream, std::ptrdiff_t lines) {
    std::string all, room(100, '\0');
    while (std::count(all.begin(), all.end(), '\n') < lines) {
      const HttpStream::Read read = stream.read(room);
      if (read.status == HttpStream::Status::kEnd) return all + "END";
      all.append(room, 0, read.bytes);
      if (read.status == HttpStream::Status::kBytes) continue;
      std::unique_lock lock(mutex);
      REQUIRE(changed.wait_for(lock, 30s, [&] { return woken; }));
      woken = false;
    }
    return all;
  }

  TapPoint in{"in"}, other{"other"};
  std::mutex mutex;
  std::condition_variable changed;
  bool woken = false;
  Taps taps{{&in, &other}, [this] {
              const std::lock_guard lock(mutex);
              woken = true;
              changed.notify_all();
            }};
};

}  // namespace

TEST_CASE("taps: what a listener seals comes out of the stream, of that listener only", "[tap]") {
  Rig rig;
  const HttpReply reply = rig.open({{"listener", "in"}, {"format", "text"}});
  REQUIRE(reply.stream);
  CHECK(reply.type == "text/plain; charset=utf-8");
  rig.other.offer(batch_of({"not this"}));
  rig.in.offer(batch_of({"one", "two"}));
  CHECK(rig.read(*reply.stream, 2) ==
        "1970-01-01T00:00:00.000Z 192.0.2.1:40000 one\n"
        "1970-01-01T00:00:00.000Z 192.0.2.1:40000 two\n");
}

TEST_CASE("taps: several see the same, each by its own filter; the batch is let go", "[tap]") {
  Rig rig;
  const HttpReply all = rig.open({{"listener", "in"}, {"format", "text"}});
  const HttpReply some = rig.open({{"listener", "in"}, {"contains", "tw"}});
  const auto batch = batch_of({"one", "two"});
  rig.in.offer(batch);
  CHECK(rig.read(*all.stream, 2).ends_with("two\n"));
  CHECK(rig.read(*some.stream, 1).ends_with("\"message\":\"two\"}\n"));
  while (batch.use_count() != 1) std::this_thread::yield();
}

TEST_CASE("taps: refused with a reason", "[tap]") {
  Rig rig;
  const auto refusal = [&](std::map<std::string, std::string> query) {
    const HttpReply reply = rig.open(std::move(query));
    CHECK_FALSE(reply.stream);
    return std::to_string(reply.status) + ' ' + reply.body;
  };
  CHECK(refusal({}) == "400 {\"error\":\"which listener? There are: in, other\"}\n");
  CHECK(refusal({{"listener", "x\""}}) ==
        "404 {\"error\":\"no such listener. There are: in, other\"}\n");
  CHECK(refusal({{"listener", "in"}, {"format", "xml"}}) ==
        "400 {\"error\":\"format: expected json or text\"}\n");
  const std::string rate = GENERATE("0", "10001", "-1", "1e3", "5 ", "x", "99999999999999999999");
  CHECK(refusal({{"listener", "in"}, {"rate", rate}}) ==
        "400 {\"error\":\"rate: expected records a second, 1 to 10000\"}\n");
}

TEST_CASE("taps: eight at once; one that ends makes room, and the last one closes the point",
          "[tap]") {
  Rig rig;
  std::vector<HttpReply> open;
  for (std::size_t i = 0; i < Taps::kMostTaps; ++i) {
    open.push_back(rig.open({{"listener", i % 2 == 0 ? "in" : "other"}}));
    REQUIRE(open.back().stream);
  }
  CHECK(rig.open({{"listener", "in"}}).status == 503);
  open.pop_back();
  open.push_back(rig.open({{"listener", "in"}}));
  CHECK(open.back().stream);
  open.clear();
  // The thread hears of it with the next batch or the next second.
  const auto batch = batch_of({"a"});
  rig.in.offer(batch);
  while (batch.use_count() != 1) std::this_thread::yield();
}

TEST_CASE("taps: one listener needs no name", "[tap]") {
  TapPoint only("only");
  Taps taps({&only}, [] {});
  CHECK(taps.open({.method = "GET", .path = "/api/tap", .query = {}}).stream);
}

TEST_CASE("taps: at the stop streams give what they have and end, whichever goes first", "[tap]") {
  HttpReply reply;
  {
    Rig rig;
    reply = rig.open({{"listener", "in"}, {"format", "text"}});
    rig.in.offer(batch_of({"last"}));
    CHECK(rig.read(*reply.stream, 1).ends_with("last\n"));
    rig.taps.stop();
    CHECK(rig.open({{"listener", "in"}}).status == 503);
    CHECK(rig.read(*reply.stream, 1) == "END");
  }
  std::string room(10, '\0');
  CHECK(reply.stream->read(room).status == HttpStream::Status::kEnd);
}
