#include "server/pipeline/sink_runner.h"

#include <pthread.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <numeric>
#include <thread>
#include <utility>

#include "tests/pipeline/fakes.h"
#include "tests/pipeline/left_over.h"
#include "tests/pipeline/quarantine_entries.h"
#include "tests/pipeline/queued_runner.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::FakeSink;

namespace {

const auto kForever = std::chrono::steady_clock::time_point::max();

struct Outcomes final : CompletionHandler {
  void on_batch_complete(BatchId id, Outcome worst) override {
    const std::lock_guard lock(mutex);
    seen[id] = worst;
  }
  std::mutex mutex;
  std::map<BatchId, Outcome> seen;
};

/// One runner on a fake sink, fed with small batches by hand.
struct Rig {
  explicit Rig(std::size_t high = std::size_t{1} << 20) {
    auto owned = std::make_unique<FakeSink>();
    sink = owned.get();
    quarantine = std::move(Quarantine::open(dir.path(), std::size_t{1} << 20).value());
    runner = std::make_unique<test::QueuedRunner>("archive", std::move(owned), high, *quarantine,
                                                  leftover, [this] { ++opened; });
    REQUIRE(runner->open());
  }

  /// `count` records "ID.0", "ID.1", ...
  void push(BatchId id, std::size_t count, bool required = true) {
    Batch batch;
    batch.id = id;
    batch.block = pool.take(1);
    for (std::size_t i = 0; i < count; ++i) {
      const std::string record = std::to_string(id) + "." + std::to_string(i);
      record.copy(batch.block->data() + batch.end, record.size());
      batch.frames.push_back({batch.end & 0xffff, record.size() & 0xffff, kFrameWhole});
      batch.end += record.size();
    }
    Segment segment;
    segment.origin = &test::kOrigin;
    segment.peer = test::peer(7);
    segment.time_ns = 1;
    segment.count = static_cast<std::uint32_t>(count);
    batch.segments.push_back(segment);
    batch.charged_bytes = 100;
    route.events += count;
    route.queued += count;
    auto sealed = std::make_shared<SealedBatch>(std::move(batch), required ? 1 : 0, outcomes);
    REQUIRE(runner->queue().push({sealed, &route, required}, false));
  }
  /// The sink's first write ends when it is interrupted, and takes nothing.
  void stand_still() {
    sink->on_write = [this](const Batch&) {
      sink->hang();
      return WriteStatus::kRetry;
    };
  }
  void finish() {
    runner->finish();
    REQUIRE(runner->join_until(kForever));
  }
  std::uint64_t lost(RouteLoss loss) const { return route.lost[static_cast<std::size_t>(loss)]; }
  bool balance() const {
    return route.events ==
           route.delivered + route.queued +
               std::accumulate(route.lost.begin(), route.lost.end(), std::uint64_t{0});
  }
  test::TempDir dir;
  BlockPool pool;
  RouteLedger route{"l", "archive"};
  std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
  std::atomic<int> opened{0};
  std::unique_ptr<Quarantine> quarantine;
  Leftover leftover{dir.path(), system_files()};
  FakeSink* sink = nullptr;
  std::unique_ptr<test::QueuedRunner> runner;
};

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("sink runner: finish() delivers what is queued, in order, then closes the sink",
          "[sink_runner]") {
  Rig rig;
  bool closed = false;
  rig.sink->on_close = [&] {
    closed = true;
    CHECK(rig.sink->delivered.size() == 4);
    return Result<void>{};
  };
  rig.push(1, 3);
  rig.push(2, 1);
  rig.runner->start();
  rig.finish();
  CHECK(closed);
  CHECK(rig.sink->delivered == Strings{"1.0", "1.1", "1.2", "2.0"});
  CHECK(rig.route.delivered == 4);
  CHECK(rig.route.queued == 0);
  CHECK(rig.balance());
  CHECK(rig.outcomes->seen ==
        std::map<BatchId, Outcome>{{1, Outcome::kDelivered}, {2, Outcome::kDelivered}});
  CHECK_FALSE(rig.runner->close_failed());
  CHECK(rig.runner->queue().idle());
}

TEST_CASE("sink runner: the thread bears the sink's name and takes no signals", "[sink_runner]") {
  Rig rig;
  std::string name;
  bool term_blocked = false;
  rig.sink->on_write = [&](const Batch&) {
    char text[16] = "";
    pthread_getname_np(pthread_self(), text, sizeof text);
    name = text;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    term_blocked = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGHUP) == 1;
    return WriteStatus::kDelivered;
  };
  rig.push(1, 1);
  rig.runner->start();
  rig.finish();
  CHECK(name == "sink archive");
  CHECK(term_blocked);
  sigset_t ours;
  pthread_sigmask(SIG_SETMASK, nullptr, &ours);
  CHECK(sigismember(&ours, SIGTERM) == 0);
}

TEST_CASE("sink runner: a retried batch is written again until it is delivered, before the next",
          "[sink_runner]") {
  Rig rig;
  std::vector<BatchId> attempts;
  std::vector<bool> failing;
  rig.sink->on_write = [&](const Batch& batch) {
    attempts.push_back(batch.id);
    failing.push_back(rig.runner->failing());
    return attempts.size() < 3 ? WriteStatus::kRetry : WriteStatus::kDelivered;
  };
  rig.push(1, 2);
  rig.push(2, 1);
  rig.runner->start();
  rig.finish();
  CHECK(attempts == std::vector<BatchId>{1, 1, 1, 2});
  CHECK(failing == std::vector<bool>{false, true, true, false});
  CHECK(rig.sink->delivered == Strings{"1.0", "1.1", "2.0"});
  CHECK(rig.route.delivered == 3);
  CHECK(rig.balance());
}

TEST_CASE("sink runner: finish() and divert() end a pause of seconds at once", "[sink_runner]") {
  Rig rig;
  std::atomic<int> attempts{0};
  rig.sink->on_write = [&](const Batch&) {
    // Long pauses: 100, 200, 400, 800 ms have passed when the fifth attempt ends and 1.6 s begin.
    if (++attempts == 5) rig.sink->release();
    return WriteStatus::kRetry;
  };
  rig.push(1, 1);
  rig.runner->start();
  rig.sink->hang_deaf();  // until the fifth attempt
  const auto begin = std::chrono::steady_clock::now();
  rig.runner->divert();
  rig.finish();
  CHECK(std::chrono::steady_clock::now() - begin < 1s);
  CHECK(test::left_over_records(rig.leftover) == Strings{"1.0"});
}

TEST_CASE("sink runner: a batch refused for good goes to the quarantine where the sink is required",
          "[sink_runner]") {
  const bool required = GENERATE(true, false);
  Rig rig;
  rig.sink->on_write = [](const Batch& batch) {
    return batch.id == 2 ? WriteStatus::kFailed : WriteStatus::kDelivered;
  };
  for (BatchId id = 1; id <= 3; ++id) rig.push(id, 2, required);
  rig.runner->start();
  rig.finish();
  rig.quarantine->close();
  CHECK(rig.sink->delivered == Strings{"1.0", "1.1", "3.0", "3.1"});
  CHECK(rig.lost(RouteLoss::kFailed) == 2);
  CHECK(rig.route.delivered == 4);
  CHECK(rig.balance());
  const auto entries = test::entries_in(rig.dir / "quarantine.jsonl");
  REQUIRE(entries.size() == (required ? 2 : 0));
  if (!required) return;
  CHECK(entries[1].bytes == "2.1");
  CHECK(entries[1].reason == "undelivered");
  CHECK(entries[1].listener == "test");
  CHECK(entries[1].peer == "127.0.0.1:7");
  CHECK(entries[1].time_ns == 1);
  CHECK(rig.outcomes->seen.at(1) == Outcome::kDelivered);
  CHECK(rig.outcomes->seen.at(2) == Outcome::kFailed);
  CHECK(rig.outcomes->seen.at(3) == Outcome::kDelivered);
}

TEST_CASE(
    "sink runner: diverting saves what was not delivered of the batch in flight, and all that "
    "waits",
    "[sink_runner]") {
  Rig rig(250);
  rig.sink->on_write = [&](const Batch& batch) {
    if (batch.id == 1) return WriteStatus::kDelivered;
    rig.sink->hang();
    return WriteStatus::kRetry;
  };
  rig.sink->on_abandon = [](const Batch& batch) {
    CHECK(batch.id == 2);
    return std::vector<FrameRange>{{1, 1}, {3, 2}};
  };
  rig.push(1, 1);
  rig.push(2, 5);
  rig.push(3, 2);
  rig.runner->start();
  rig.sink->await_hanging();
  CHECK_FALSE(rig.runner->diverted());
  rig.runner->divert();
  CHECK(rig.runner->diverted());
  rig.push(4, 1);  // still pushed by a loop that reads a frozen receive buffer
  rig.finish();
  CHECK(test::left_over_records(rig.leftover) == Strings{"2.1", "2.3", "2.4", "3.0", "3.1", "4.0"});
  CHECK(rig.route.delivered == 1 + 2);
  CHECK(rig.lost(RouteLoss::kLeftover) == 6);
  CHECK(rig.route.queued == 0);
  CHECK(rig.balance());
  CHECK(rig.opened >= 1);
  CHECK(rig.outcomes->seen == std::map<BatchId, Outcome>{{1, Outcome::kDelivered},
                                                         {2, Outcome::kDropped},
                                                         {3, Outcome::kDropped},
                                                         {4, Outcome::kDropped}});
}

TEST_CASE("sink runner: what a sink passed over before it was diverted is left over as well",
          "[sink_runner]") {
  Rig rig;
  rig.stand_still();
  rig.sink->on_abandon = [](const Batch&) { return std::vector<FrameRange>{{3, 2}}; };
  rig.sink->on_undeliverable = [](const Batch&) {
    return std::vector<Undeliverable>{{{1, 1}}, {{4, 1}}};
  };
  rig.push(1, 5);
  rig.runner->start();
  rig.sink->await_hanging();
  rig.runner->divert();
  rig.finish();
  CHECK(test::left_over_records(rig.leftover) == Strings{"1.1", "1.3", "1.4"});
  CHECK(rig.route.delivered == 2);
  CHECK(rig.lost(RouteLoss::kLeftover) == 3);
  CHECK(rig.balance());
}

TEST_CASE("sink runner: an interrupted batch that turns out to be whole is delivered",
          "[sink_runner]") {
  const bool by_write = GENERATE(true, false);
  Rig rig;
  rig.sink->on_write = [&](const Batch&) {
    rig.sink->hang();
    return by_write ? WriteStatus::kDelivered : WriteStatus::kRetry;
  };
  rig.sink->on_abandon = [](const Batch&) { return std::vector<FrameRange>{}; };
  rig.push(1, 3);
  rig.runner->start();
  rig.sink->await_hanging();
  rig.runner->divert();
  rig.finish();
  CHECK(rig.route.delivered == 3);
  CHECK(rig.balance());
  CHECK(rig.leftover.kept().empty());
  CHECK(rig.outcomes->seen.at(1) == Outcome::kDelivered);
}

TEST_CASE("sink runner: diverting a best-effort route counts and writes nothing", "[sink_runner]") {
  Rig rig;
  rig.stand_still();
  rig.push(1, 3, false);
  rig.push(2, 2, false);
  rig.runner->start();
  rig.sink->await_hanging();
  rig.runner->divert();
  rig.finish();
  CHECK(rig.lost(RouteLoss::kAbandoned) == 5);
  CHECK(rig.balance());
  CHECK(rig.leftover.kept().empty());
}

TEST_CASE("sink runner: what cannot be left over is abandoned, counted, and failed",
          "[sink_runner]") {
  Rig rig;
  rig.stand_still();
  rig.push(1, 3);
  rig.runner->start();
  rig.sink->await_hanging();
  std::filesystem::remove_all(rig.dir.path());
  test::write_file(rig.dir.path(), "no directory any more");
  rig.runner->divert();
  rig.finish();
  CHECK(rig.lost(RouteLoss::kAbandoned) == 3);
  CHECK(rig.balance());
  CHECK(rig.outcomes->seen.at(1) == Outcome::kFailed);
}

TEST_CASE(
    "sink runner: a thread that hangs is left behind, its batch and the queue saved, nothing "
    "counted twice",
    "[sink_runner]") {
  Rig rig;
  rig.sink->on_write = [&](const Batch&) {
    rig.sink->hang_deaf();
    return WriteStatus::kDelivered;
  };
  rig.push(1, 2);
  rig.push(2, 1);
  rig.runner->start();
  rig.sink->await_hanging();
  rig.runner->finish();
  rig.runner->divert();
  CHECK_FALSE(rig.runner->join_until(std::chrono::steady_clock::now()));
  rig.runner->abandon_hung_thread();
  CHECK(test::left_over_records(rig.leftover) == Strings{"1.0", "1.1", "2.0"});
  CHECK(rig.lost(RouteLoss::kLeftover) == 3);
  CHECK(rig.balance());
  CHECK(rig.runner->queue().fill_bytes() == 0);
  rig.sink->release();  // it wakes up after all
  REQUIRE(rig.runner->join_until(kForever));
  CHECK(rig.route.delivered == 0);
  CHECK(rig.balance());
  CHECK(rig.outcomes->seen ==
        std::map<BatchId, Outcome>{{1, Outcome::kDropped}, {2, Outcome::kDropped}});
}

TEST_CASE("sink runner: a sink that cannot be closed is told apart", "[sink_runner]") {
  Rig rig;
  rig.sink->on_close = [] { return Result<void>(fail(5, "fsync data/a.log: input/output error")); };
  rig.runner->start();
  rig.finish();
  CHECK(rig.runner->close_failed());
}

TEST_CASE("sink runner: tick comes while nothing is queued", "[sink_runner]") {
  Rig rig;
  std::mutex mutex;
  std::condition_variable changed;
  int ticks = 0;
  rig.sink->on_tick = [&] {
    const std::lock_guard lock(mutex);
    ++ticks;
    changed.notify_all();
  };
  rig.runner->start();
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ticks >= 2; });
  }
  rig.finish();
}

TEST_CASE("sink runner: a runner that was never started is joined", "[sink_runner]") {
  Rig rig;
  rig.runner->finish();
  CHECK(rig.runner->join_until(std::chrono::steady_clock::now()));
}

TEST_CASE("sink runner: as many batches are pending as the window holds, and end in any order",
          "[sink_runner]") {
  Rig rig;
  rig.sink->most_pending = 3;
  std::vector<const Batch*> pending;
  std::size_t most = 0;
  rig.sink->on_write = [&](const Batch& batch) {
    pending.push_back(&batch);
    most = std::max(most, pending.size());
    return WriteStatus::kPending;
  };
  rig.sink->on_poll = [&] {  // the newest ends first, once the window is full or nothing more comes
    if (pending.size() < 3 && !rig.runner->queue().finished()) return std::vector<Finished>{};
    const Batch* const newest = pending.back();
    pending.pop_back();
    return std::vector<Finished>{{newest, WriteStatus::kDelivered}};
  };
  for (BatchId id = 1; id <= 5; ++id) rig.push(id, 2);
  rig.runner->start();
  rig.finish();
  CHECK(most == 3);
  CHECK(pending.empty());
  CHECK(rig.route.delivered == 10);
  CHECK(rig.balance());
  CHECK(rig.outcomes->seen.size() == 5);
  CHECK(rig.runner->queue().idle());
}

TEST_CASE("sink runner: a pending batch that failed is written again before anything new is taken",
          "[sink_runner]") {
  Rig rig;
  rig.sink->most_pending = 2;
  std::vector<std::pair<BatchId, const Batch*>> pending;
  std::vector<BatchId> written;
  bool failed = false;
  rig.sink->on_write = [&](const Batch& batch) {
    written.push_back(batch.id);
    pending.emplace_back(batch.id, &batch);
    return WriteStatus::kPending;
  };
  rig.sink->on_poll = [&] {
    std::vector<Finished> ended;
    if (pending.size() < 2 && written.size() < 3) return ended;
    for (const auto& [id, batch] : std::exchange(pending, {}))
      ended.push_back({batch, id == 1 && !std::exchange(failed, true) ? WriteStatus::kRetry
                                                                      : WriteStatus::kDelivered});
    return ended;
  };
  for (BatchId id = 1; id <= 3; ++id) rig.push(id, 1);
  rig.runner->start();
  rig.finish();
  CHECK(written == std::vector<BatchId>{1, 2, 1, 3});
  CHECK(rig.route.delivered == 3);
  CHECK_FALSE(rig.runner->failing());
}

TEST_CASE("sink runner: divert() gives up on what is pending", "[sink_runner]") {
  Rig rig;
  rig.sink->most_pending = 4;
  std::atomic<int> sent{0};
  rig.sink->on_write = [&](const Batch&) {
    ++sent;
    return WriteStatus::kPending;
  };
  rig.sink->on_poll = [] { return std::vector<Finished>{}; };
  rig.sink->on_abandon = [](const Batch& batch) {  // the first record had arrived
    return std::vector<FrameRange>{{1, batch.frames.size() - 1}};
  };
  for (BatchId id = 1; id <= 2; ++id) rig.push(id, 2);
  rig.runner->start();
  while (sent < 2) std::this_thread::yield();
  rig.runner->divert();
  rig.finish();
  CHECK(test::left_over_records(rig.leftover) == Strings{"1.1", "2.1"});
  CHECK(rig.route.delivered == 2);
  CHECK(rig.lost(RouteLoss::kLeftover) == 2);
  CHECK(rig.balance());
}

TEST_CASE("sink runner: what the other side refuses goes to the quarantine with its answer",
          "[sink_runner]") {
  Rig rig;
  rig.sink->on_undeliverable = [](const Batch& batch) {
    if (batch.id != 2) return std::vector<Undeliverable>{};
    return std::vector<Undeliverable>{{{1, 1}, RouteLoss::kRefused, "400 no such field"}};
  };
  for (BatchId id = 1; id <= 3; ++id) rig.push(id, 2);
  rig.runner->start();
  rig.finish();
  CHECK(rig.lost(RouteLoss::kRefused) == 1);
  CHECK(rig.route.delivered == 5);
  CHECK(rig.balance());
  CHECK(rig.outcomes->seen[2] == Outcome::kDelivered);
  rig.quarantine->close();
  const auto entries = test::entries_in(rig.dir / "quarantine.jsonl");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].bytes == "2.1");
  CHECK(entries[0].reason == "refused");
  CHECK(entries[0].detail == "400 no such field");
}
