// An intake when memory is short: it waits rather than overdraws, and keeps no more than its batches need.
#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "tests/pipeline/intake_rig.h"

using namespace penstock;
using test::at_ms;
using test::FakeConnection;
using test::lines;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kBudget = 16 * kMiB;

/// Several listeners on one budget, each with a queue of its own that is emptied by hand.
struct SharedMemory {
  explicit SharedMemory(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      queues.push_back(std::make_unique<SinkQueue>(kMiB, std::function<void()>{}));
      intakes.push_back(std::make_unique<Intake>(std::vector<Route>{{queues.back().get(), &route}},
                                                 pool, cell, false));
      connections.emplace_back(*intakes.back(), i + 1);
    }
  }
  /// The sink takes everything, and lets it go.
  std::size_t deliver(std::size_t i) {
    std::size_t records = 0;
    while (auto popped = queues[i]->pop(std::chrono::milliseconds(0))) {
      REQUIRE(queues[i]->claim(*popped));
      queues[i]->done(*popped);
      records += popped->batch->events();
    }
    return records;
  }
  std::size_t total_bytes() const { return budget->used_bytes() + pool.idle_bytes(); }

  int told = 0;
  std::shared_ptr<MemoryBudget> budget =
      std::make_shared<MemoryBudget>(kBudget, [this] { ++told; });
  BlockPool pool{BlockPool::kKeepBytes, budget};
  BatchCell cell;
  RouteLedger route{"l", "s"};
  std::vector<std::unique_ptr<SinkQueue>> queues;
  std::vector<std::unique_ptr<Intake>> intakes;
  std::vector<FakeConnection> connections;
};

}  // namespace

TEST_CASE("intake: listeners beyond the memory wait, and all of them come to read", "[memory]") {
  SharedMemory memory(300);  // smallest blocks for all of them are 37 MiB
  std::vector<std::size_t> sent(300, 0), delivered(300, 0);
  std::size_t shut = 0, peak = 0;
  const std::string input = lines(300, 199);
  std::vector<std::size_t> order(300);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::mt19937 random(5);
  for (int turn = 0; turn < 60; ++turn) {
    std::shuffle(order.begin(), order.end(), random);  // as parked connections are resumed
    for (const std::size_t i : order) {
      if (!memory.intakes[i]->gate_open()) {
        ++shut;
        continue;
      }
      memory.connections[i].read(input, at_ms(turn));
      sent[i] += 300;
      memory.intakes[i]->end_turn(at_ms(turn));
      peak = std::max(peak, memory.budget->used_bytes());
      REQUIRE(memory.total_bytes() <= kBudget + kBudget / 10);
    }
    // The sinks are slower than the listeners, and take what there is in another order each time.
    for (std::size_t k = 0; k < 150; ++k) {
      const std::size_t i = (k * 7 + static_cast<std::size_t>(turn) * 131) % 300;
      delivered[i] += memory.deliver(i);
    }
  }
  // Indexes and copies of what was read cannot wait.
  CHECK(peak <= kBudget + kBudget / 32);
  CHECK(shut > 1000);
  CHECK(memory.told > 10);
  for (std::size_t i = 0; i < 300; ++i) {
    CAPTURE(i);
    CHECK(sent[i] > 0);
    memory.intakes[i]->seal();
    CHECK(delivered[i] + memory.deliver(i) == sent[i]);
  }
  memory.intakes.clear();
  CHECK(memory.budget->used_bytes() == 0);
}

TEST_CASE("intake: with less than half of the memory in use a fast listener gets blocks of 1 MiB",
          "[memory]") {
  SharedMemory memory(1);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(memory.intakes[0]->gate_open());
    memory.connections[0].read(lines(300, 199), at_ms(i));
    memory.intakes[0]->end_turn(at_ms(i));
    memory.deliver(0);
  }
  CHECK(memory.pool.used_bytes() == BlockPool::kMaxBlockBytes);
}

TEST_CASE("intake: a sink that stands still keeps no more memory than it is charged for",
          "[memory]") {
  SharedMemory memory(20);
  const auto others = memory.pool.take(kBudget / 2 + 1);
  const std::size_t before = memory.budget->used_bytes();
  for (int turn = 0; turn < 100; ++turn) {
    for (std::size_t i = 0; i < 20; ++i) {
      REQUIRE(memory.intakes[i]->gate_open());
      memory.connections[i].read("a record now and then\n", at_ms(10 * turn));
      memory.intakes[i]->end_turn(at_ms(10 * turn));
      memory.intakes[i]->seal();
      memory.intakes[i]->end_turn(at_ms(10 * turn));
    }
  }
  std::size_t charged = 0;
  for (const auto& queue : memory.queues) charged += queue->fill_bytes();
  CHECK(memory.budget->used_bytes() - before <= charged);
  for (std::size_t i = 0; i < 20; ++i) CHECK(memory.deliver(i) == 100);
  CHECK(memory.budget->used_bytes() == before);
}

TEST_CASE("intake: a batch sealed as a copy holds the same records", "[memory]") {
  SharedMemory memory(1);
  const auto others = memory.pool.take(kBudget / 2 + 1);
  std::vector<std::string> got, wanted;
  for (int turn = 0; turn < 50; ++turn) {
    const std::string line = "line " + std::to_string(turn);
    REQUIRE(memory.intakes[0]->gate_open());
    memory.connections[0].read(line + "\nand\n" + "cut", at_ms(turn));
    memory.connections[0].read(" here\n", at_ms(turn));
    wanted.insert(wanted.end(), {line, "and", "cut here"});
    memory.intakes[0]->seal();
    while (auto popped = memory.queues[0]->pop(std::chrono::milliseconds(0))) {
      REQUIRE(memory.queues[0]->claim(*popped));
      const Batch& batch = popped->batch->batch();
      CHECK(batch.block->capacity() == 512);
      CHECK(batch.segments.size() == 1);
      CHECK(batch.segments[0].lines);
      CHECK(batch.block->data()[batch.end - 1] == '\n');
      for (auto& record : test::records(batch)) got.push_back(record);
      memory.queues[0]->done(*popped);
    }
  }
  CHECK(got == wanted);
}

TEST_CASE("intake: an idle listener's block goes back at once while memory is short", "[memory]") {
  SharedMemory memory(1);
  memory.connections[0].read("a\n", at_ms(1));
  memory.intakes[0]->end_turn(at_ms(1));
  memory.deliver(0);
  CHECK(memory.pool.used_bytes() == Intake::kFirstBlockBytes);
  const auto others = memory.pool.take(kBudget / 2);
  const std::size_t before = memory.pool.used_bytes();
  memory.intakes[0]->release_idle_block();  // was written since the last sweep
  CHECK(memory.pool.used_bytes() == before - Intake::kFirstBlockBytes);
}

TEST_CASE("intake: an idle listener keeps its block while a sink holds a part of it", "[memory]") {
  SharedMemory memory(1);
  for (int turn = 0; turn < 50; ++turn) {
    memory.connections[0].read("now and then\n", at_ms(2000 * turn));
    memory.intakes[0]->end_turn(at_ms(2000 * turn + 5));
    memory.intakes[0]->release_idle_block();
    memory.intakes[0]->release_idle_block();
  }
  CHECK(memory.pool.used_bytes() == Intake::kFirstBlockBytes);
  CHECK(memory.deliver(0) == 50);
  memory.intakes[0]->release_idle_block();
  CHECK(memory.pool.used_bytes() == 0);
}

TEST_CASE("intake: the shut gate opens when memory comes back, whoever held it", "[memory]") {
  SharedMemory memory(2);
  std::vector<std::shared_ptr<Block>> others;
  while (auto block = memory.pool.try_take(BlockPool::kMaxBlockBytes)) others.push_back(block);
  while (auto block = memory.pool.try_take(BlockPool::kMinBlockBytes)) others.push_back(block);
  CHECK_FALSE(memory.intakes[0]->gate_open());
  CHECK_FALSE(memory.intakes[1]->gate_open());
  CHECK(memory.told == 0);
  others.erase(others.begin());
  CHECK(memory.told == 1);
  CHECK(memory.intakes[0]->gate_open());
  CHECK(memory.intakes[1]->gate_open());
  memory.connections[0].read("a\n", at_ms(1));
  memory.intakes[0]->seal();
  CHECK(memory.deliver(0) == 1);
}

TEST_CASE("intake: the block of one long frame goes back with its turn", "[memory]") {
  SharedMemory memory(1);
  const std::span<char> room = memory.intakes[0]->room(3 * kMiB);
  CHECK(room.size() >= 3 * kMiB + Intake::kMinRoomBytes);
  memory.intakes[0]->end_turn(at_ms(1));
  CHECK(memory.budget->used_bytes() == 0);
}

TEST_CASE("intake: the index of tiny frames is part of the budget", "[memory]") {
  SharedMemory memory(1);
  std::string tiny;
  for (int i = 0; i < 20'000; ++i) tiny += "a\n";
  memory.connections[0].read(tiny, at_ms(1));
  CHECK(memory.budget->used_bytes() >= memory.pool.used_bytes() + 20'000 * sizeof(FrameRef));
  memory.intakes[0]->seal();
  CHECK(memory.budget->used_bytes() >= memory.pool.used_bytes() + 20'000 * sizeof(FrameRef));
  memory.deliver(0);
  memory.intakes[0]->release_idle_block();
  memory.intakes[0]->release_idle_block();
  CHECK(memory.budget->used_bytes() == 0);
  CHECK(memory.pool.indexes()->idle_bytes() == 0);
}
