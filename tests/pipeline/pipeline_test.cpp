// The whole way with real threads: connections that acknowledge, loops that park on gates, sinks that are slow, fail,
// drop or die.
#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <thread>

#include "server/pipeline/sink_runner.h"
#include "tests/pipeline/fakes.h"
#include "tests/pipeline/left_over.h"
#include "tests/pipeline/quarantine_entries.h"
#include "tests/pipeline/queued_runner.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::FakeConnection;
using test::FakeSink;

namespace {

constexpr std::size_t kLoops = 3, kConnections = 4, kHigh = std::size_t{1} << 20;
const auto kForever = std::chrono::steady_clock::time_point::max();

/// Charged to one batch at most: a block, its index at the bound, and the index of one more read.
constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kMostOfOneLoop = BlockPool::kMaxBlockBytes * 3 / 2 + 2 * kReadBytes;

/// "LOOP.CONNECTION." then the sequence number.
std::string prefix(std::size_t loop, std::size_t connection) {
  return std::to_string(loop) + "." + std::to_string(connection) + ".";
}

/// One loop thread: reads through the gate, parks where it is shut, ends when all its completions have come.
struct Loop {
  Loop(std::size_t number, const std::vector<Route>& routes, BlockPool& pool,
       std::size_t loop_records)
      : index(number),
        records_each(loop_records),
        intake(std::make_unique<Intake>(routes, pool, cell, true)) {
    intake->set_completion(tasks.poster(), [this](BatchId id, Outcome outcome,
                                                  const std::vector<ConnectionId>& members) {
      in_order = in_order && id == last_complete + 1;
      last_complete = id;
      ++outcomes[outcome];
      test::NoReplies replies;
      for (const ConnectionId member : members)
        connections[member - 1]->decoder.on_complete(id, outcome, replies);
    });
    for (ConnectionId id = 1; id <= kConnections; ++id)
      connections.push_back(std::make_unique<FakeConnection>(*intake, id, true));
  }

  void run() {
    std::mt19937 random(static_cast<unsigned>(index));
    std::vector<std::size_t> next(kConnections, 0);
    for (std::size_t reads = 1;
         std::accumulate(next.begin(), next.end(), std::size_t{0}) < kConnections * records_each;
         ++reads) {
      tasks.run();
      while (!intake->gate_open()) {
        ++parked;
        tasks.wait_and_run();
      }
      const std::size_t who = random() % kConnections;
      connections[who]->read(some_records(who, next[who], random), now());
      if (reads % 4 == 0) intake->end_turn(now());
    }
    intake->seal();
    intake->end_turn(now());
    while (intake->open_batches() != 0) tasks.wait_and_run();
  }

  std::string some_records(std::size_t who, std::size_t& next, std::mt19937& random) const {
    std::string bytes;
    for (std::size_t count = random() % 300; count > 0 && next < records_each; --count)
      bytes += prefix(index, who) + std::to_string(next++) + " " +
               std::string(random() % 200, 'x') + "\n";
    return bytes;
  }

  static Now now() {
    const auto elapsed = std::chrono::steady_clock::now().time_since_epoch();
    return test::at_ms(std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count());
  }

  const std::size_t index, records_each;
  BatchCell cell;
  test::TaskQueue tasks;
  std::unique_ptr<Intake> intake;
  std::vector<std::unique_ptr<FakeConnection>> connections;
  BatchId last_complete = 0;
  bool in_order = true;
  std::size_t parked = 0;
  std::map<Outcome, std::size_t> outcomes;
  std::thread thread;
};

/// Sinks, then loops on routes to them.
struct World {
  FakeSink& add_sink(const std::string& name, bool required = true, std::size_t high = kHigh) {
    auto owned = std::make_unique<FakeSink>();
    FakeSink& sink = *owned;
    sinks.push_back(&sink);
    runners.push_back(std::make_unique<test::QueuedRunner>(name, std::move(owned), high,
                                                           *quarantine, leftover, [this] {
                                                             for (auto& loop : loops)
                                                               loop->tasks.post([] {});
                                                           }));
    ledgers.push_back(std::make_unique<RouteLedger>("l", name));
    routes.push_back({&runners.back()->queue(), ledgers.back().get(), required, !required});
    return sink;
  }
  void start(std::size_t records_each) {
    records = kLoops * kConnections * records_each;
    for (std::size_t i = 0; i < kLoops; ++i)
      loops.push_back(std::make_unique<Loop>(i, routes, pool, records_each));
    for (auto& runner : runners) runner->start();
    for (auto& loop : loops) loop->thread = std::thread([&loop = *loop] { loop.run(); });
  }
  void finish() {
    for (auto& loop : loops) loop->thread.join();
    for (auto& runner : runners) runner->finish();
    for (auto& runner : runners) REQUIRE(runner->join_until(kForever));
    for (auto& loop : loops) loop->intake.reset();
    quarantine->close();
    leftover.close();
  }

  void check_ledgers() const {
    for (const auto& ledger : ledgers) {
      CAPTURE(ledger->sink);
      CHECK(ledger->events == records);
      CHECK(ledger->queued == 0);
      const auto lost = std::accumulate(ledger->lost.begin(), ledger->lost.end(), std::uint64_t{0});
      CHECK(ledger->events == ledger->delivered + lost);
    }
    std::uint64_t events = 0;
    for (const auto& loop : loops)
      for (const auto& connection : loop->connections) {
        connection->publish();
        events += connection->cell->events.get();
      }
    CHECK(events == records);
  }
  void check_completions() const {
    for (const auto& loop : loops) {
      CHECK(loop->in_order);
      for (const auto& connection : loop->connections) CHECK(connection->decoder.quiescent());
    }
  }
  void check_memory_bound() const {
    for (const auto& runner : runners)
      CHECK(runner->queue().peak_bytes() <= kHigh + kLoops * kMostOfOneLoop);
    CHECK(pool.used_bytes() == 0);
  }

  test::TempDir dir;
  std::unique_ptr<Quarantine> quarantine =
      std::move(Quarantine::open(dir.path(), std::size_t{64} << 20).value());
  Leftover leftover{dir.path(), system_files()};
  BlockPool pool;
  std::vector<FakeSink*> sinks;
  std::vector<std::unique_ptr<RouteLedger>> ledgers;
  std::vector<Route> routes;
  std::vector<std::unique_ptr<Loop>> loops;  // before the runners, whose gates post to them
  std::vector<std::unique_ptr<test::QueuedRunner>> runners;
  std::size_t records = 0;
};

/// Each connection's records are all there, once and in order (`complete`), or some of them, once and in order.
void check_order(const std::vector<std::string>& got, std::size_t records_each, bool complete) {
  std::map<std::string, long> last;
  bool in_order = true;
  for (const std::string& record : got) {
    const std::size_t dot = record.rfind('.');
    const long sequence = std::stol(record.substr(dot + 1));
    const auto [at, fresh] = last.try_emplace(record.substr(0, dot + 1), -1);
    in_order = in_order && (complete ? sequence == at->second + 1 : sequence > at->second);
    at->second = sequence;
  }
  CHECK(in_order);
  if (!complete) return;
  CHECK(got.size() == kLoops * kConnections * records_each);
  for (const auto& [name, sequence] : last) CHECK(sequence == static_cast<long>(records_each) - 1);
}

}  // namespace

TEST_CASE(
    "pipeline: slow and failing sinks get every record once, in order; all is acknowledged in "
    "order",
    "[pipeline][threads]") {
  World world;
  world.add_sink("fast");
  FakeSink& slow = world.add_sink("slow");
  FakeSink& failing = world.add_sink("failing");
  slow.on_write = [](const Batch& batch) {
    std::this_thread::sleep_for(std::chrono::microseconds(batch.frames.size() / 4));
    return WriteStatus::kDelivered;
  };
  failing.on_write = [attempts = 0](const Batch&) mutable {
    return ++attempts % 16 == 3 && attempts < 40 ? WriteStatus::kRetry : WriteStatus::kDelivered;
  };
  world.start(4000);
  world.finish();
  for (const FakeSink* sink : world.sinks) check_order(sink->delivered, 4000, true);
  world.check_ledgers();
  world.check_completions();
  world.check_memory_bound();
  std::size_t parked = 0;
  for (const auto& loop : world.loops) {
    parked += loop->parked;
    CHECK(loop->outcomes.size() == 1);
    CHECK(loop->outcomes.count(Outcome::kDelivered) == 1);
  }
  CHECK(parked != 0);  // the gate was put to the test
}

TEST_CASE("pipeline: a best-effort sink that stands still loses records and holds up nobody",
          "[pipeline][threads]") {
  World world;
  world.add_sink("main");
  FakeSink& stuck = world.add_sink("stuck", false, std::size_t{64} << 10);
  stuck.on_write = [&](const Batch&) {
    stuck.hang_deaf();
    return WriteStatus::kDelivered;
  };
  world.start(2000);
  for (auto& loop : world.loops) loop->thread.join();  // acknowledged without the stuck one
  for (auto& loop : world.loops) loop->thread = std::thread([] {});
  stuck.release();
  world.finish();
  check_order(world.sinks[0]->delivered, 2000, true);
  check_order(world.sinks[1]->delivered, 2000, false);
  world.check_ledgers();
  world.check_completions();
  const RouteLedger& route = *world.ledgers[1];
  CHECK(route.lost[static_cast<std::size_t>(RouteLoss::kQueueFull)] > 0);
  CHECK(route.delivered == world.sinks[1]->delivered.size());
}

TEST_CASE("pipeline: a required drop_newest sink loses records, and their senders are told",
          "[pipeline][threads]") {
  World world;
  FakeSink& slow = world.add_sink("slow", true, std::size_t{64} << 10);
  world.routes[0].drop_when_full = true;
  slow.on_write = [&](const Batch&) {
    slow.hang_deaf();
    return WriteStatus::kDelivered;
  };
  world.start(2000);
  slow.await_hanging();
  while (world.ledgers[0]->lost[0].load() == 0) std::this_thread::yield();
  slow.release();
  world.finish();
  check_order(slow.delivered, 2000, false);
  world.check_ledgers();
  world.check_completions();
  std::size_t dropped = 0;
  for (const auto& loop : world.loops) dropped += loop->outcomes[Outcome::kDropped];
  CHECK(dropped > 0);
}

TEST_CASE(
    "pipeline: a dead sink shuts the gate; diverted, its records are left over, none "
    "lost",
    "[pipeline][threads]") {
  World world;
  world.add_sink("healthy");
  FakeSink& dead = world.add_sink("dead");
  std::vector<std::string> half;  // delivered of the batch in flight
  dead.on_write = [&, batches = 0](const Batch&) mutable {
    if (++batches < 4) return WriteStatus::kDelivered;
    dead.hang();
    return WriteStatus::kRetry;
  };
  dead.on_abandon = [&](const Batch& batch) {
    const std::size_t done = batch.frames.size() / 2;
    for (std::size_t i = 0; i < done; ++i) half.emplace_back(batch.bytes(batch.frames[i]));
    return std::vector<FrameRange>{{done, batch.frames.size() - done}};
  };
  world.start(4000);
  dead.await_hanging();
  while (world.runners[1]->queue().open()) std::this_thread::yield();
  world.runners[1]->divert();
  world.finish();

  check_order(world.sinks[0]->delivered, 4000, true);
  std::vector<std::string> all = dead.delivered;
  all.insert(all.end(), half.begin(), half.end());
  const auto leftover = test::left_over_records(world.leftover);
  all.insert(all.end(), leftover.begin(), leftover.end());
  check_order(all, 4000, true);
  world.check_ledgers();
  world.check_completions();
  world.check_memory_bound();
  CHECK(world.ledgers[1]->delivered == dead.delivered.size() + half.size());
  CHECK(world.ledgers[1]->lost[static_cast<std::size_t>(RouteLoss::kLeftover)] == leftover.size());
}
