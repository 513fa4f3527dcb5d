#include "server/pipeline/sink_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/pipeline/fakes.h"

using namespace penstock;
using namespace std::chrono_literals;

namespace {

QueueEntry entry(std::size_t charged_bytes, BatchId id = 1) {
  static RouteLedger route("l", "s");
  Batch batch;
  batch.id = id;
  batch.charged_bytes = charged_bytes;
  return {std::make_shared<SealedBatch>(std::move(batch), 1, nullptr), &route, true};
}

/// Takes the front entry and ends it.
void finish_one(SinkQueue& queue) {
  const auto popped = queue.pop(0ms);
  REQUIRE(popped);
  REQUIRE(queue.claim(*popped));
  queue.done(*popped);
}

}  // namespace

TEST_CASE("sink queue: the gate shuts at the high mark and opens at half of it, once",
          "[sink_queue]") {
  int opened = 0;
  SinkQueue queue(100, [&] { ++opened; });
  for (int i = 0; i < 9; ++i) queue.push(entry(11), false);
  CHECK(queue.open());
  queue.push(entry(1), false);
  CHECK_FALSE(queue.open());
  CHECK(queue.fill_bytes() == 100);
  for (int i = 0; i < 4; ++i) finish_one(queue);
  CHECK(queue.fill_bytes() == 56);
  CHECK_FALSE(queue.open());
  CHECK(opened == 0);
  finish_one(queue);
  CHECK(queue.open());
  CHECK(opened == 1);
  while (queue.fill_bytes() != 0) finish_one(queue);
  CHECK(opened == 1);
  CHECK(queue.peak_bytes() == 100);
}

TEST_CASE("sink queue: a batch larger than the whole queue passes and opens the gate again",
          "[sink_queue]") {
  int opened = 0;
  SinkQueue queue(100, [&] { ++opened; });
  CHECK(queue.push(entry(1000), false));
  CHECK_FALSE(queue.open());
  finish_one(queue);
  CHECK(queue.open());
  CHECK(opened == 1);
}

TEST_CASE("sink queue: an entry in flight stays charged and keeps the queue from being idle",
          "[sink_queue]") {
  SinkQueue queue(100, {});
  CHECK(queue.idle());
  queue.push(entry(10), false);
  CHECK_FALSE(queue.idle());
  const auto popped = queue.pop(0ms);
  CHECK(queue.fill_bytes() == 10);
  CHECK_FALSE(queue.idle());
  CHECK(queue.claim(*popped));
  queue.done(*popped);
  CHECK(queue.idle());
  CHECK(queue.fill_bytes() == 0);
}

TEST_CASE("sink queue: a shut gate refuses droppable entries only", "[sink_queue]") {
  SinkQueue queue(100, {});
  CHECK(queue.push(entry(150), true));
  CHECK_FALSE(queue.push(entry(1), true));
  CHECK(queue.push(entry(1), false));
  CHECK(queue.fill_bytes() == 151);
}

TEST_CASE("sink queue: entries leave in the order they came", "[sink_queue]") {
  SinkQueue queue(100, {});
  for (BatchId id = 1; id <= 5; ++id) queue.push(entry(1, id), false);
  for (BatchId id = 1; id <= 5; ++id) {
    const auto popped = queue.pop(0ms);
    CHECK(popped->batch->batch().id == id);
    queue.claim(*popped);
    queue.done(*popped);
  }
}

TEST_CASE("sink queue: after finish() what waits still comes, then nothing and no wait",
          "[sink_queue]") {
  SinkQueue queue(100, {});
  queue.push(entry(1), false);
  queue.finish();
  CHECK_FALSE(queue.finished());
  finish_one(queue);
  CHECK(queue.finished());
  CHECK_FALSE(queue.pop(1h));
}

TEST_CASE("sink queue: wake() ends one pop, also when it comes first", "[sink_queue]") {
  SinkQueue queue(100, {});
  queue.wake();
  CHECK_FALSE(queue.pop(1h));
  CHECK_FALSE(queue.pop(1ms));
}

TEST_CASE("sink queue: push, finish and wake reach a thread that sleeps in pop",
          "[sink_queue][threads]") {
  const int how = GENERATE(0, 1, 2);
  SinkQueue queue(100, {});
  std::atomic<bool> began{false}, got{false};
  std::thread sink([&] {
    began = true;
    got = queue.pop(1h).has_value();
  });
  while (!began) std::this_thread::yield();
  if (how == 0) queue.push(entry(1), false);
  if (how == 1) queue.finish();
  if (how == 2) queue.wake();
  sink.join();
  CHECK(got == (how == 0));
}

TEST_CASE("sink queue: seize() takes the entry in flight first, and its owner's claim then fails",
          "[sink_queue]") {
  SinkQueue queue(100, {});
  for (BatchId id = 1; id <= 3; ++id) queue.push(entry(10, id), false);
  const auto popped = queue.pop(0ms);
  const auto seized = queue.seize();
  REQUIRE(seized.size() == 3);
  CHECK(seized[0].batch->batch().id == 1);
  CHECK(seized[2].batch->batch().id == 3);
  CHECK_FALSE(queue.claim(seized[0]));
  CHECK(queue.fill_bytes() == 30);
  for (const auto& taken : seized) queue.done(taken);
  CHECK(queue.fill_bytes() == 0);
  CHECK(queue.idle());
  CHECK(queue.seize().empty());
}

TEST_CASE("sink queue: no wake-up is lost with many loops parking on one gate",
          "[sink_queue][threads]") {
  constexpr std::size_t kLoops = 6, kShare = 3000, kCharge = 10, kHigh = 60;
  struct Loop {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t wakes = 0;
  };
  std::vector<std::unique_ptr<Loop>> loops;
  for (std::size_t i = 0; i < kLoops; ++i) loops.push_back(std::make_unique<Loop>());
  SinkQueue queue(kHigh, [&] {
    for (auto& loop : loops) {
      const std::lock_guard lock(loop->mutex);
      ++loop->wakes;
      loop->changed.notify_one();
    }
  });

  std::vector<std::thread> threads;
  for (auto& loop : loops)
    threads.emplace_back([&queue, loop = loop.get()] {
      std::size_t handled = 0;  // wake-up tasks this loop has run
      for (std::size_t pushed = 0; pushed < kShare;) {
        if (queue.open()) {
          queue.push(entry(kCharge), false);
          ++pushed;
          continue;
        }
        // Parked: only a wake-up posted after the last one handled goes on. No time-out: a lost one hangs the test.
        std::unique_lock lock(loop->mutex);
        loop->changed.wait(lock, [&] { return loop->wakes != handled; });
        handled = loop->wakes;
      }
    });

  std::thread sink([&] {
    for (std::size_t taken = 0; taken < kLoops * kShare;) {
      const auto popped = queue.pop(1h);
      if (!popped) continue;
      queue.claim(*popped);
      queue.done(*popped);
      ++taken;
    }
  });
  for (auto& thread : threads) thread.join();
  sink.join();
  CHECK(queue.fill_bytes() == 0);
  CHECK(queue.open());
  CHECK(queue.peak_bytes() <= kHigh + kLoops * kCharge);
}
