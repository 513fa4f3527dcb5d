#include "server/pipeline/memory_budget.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "server/pipeline/block_pool.h"

using namespace penstock;

namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;

}  // namespace

TEST_CASE("memory budget: those who can wait are refused before it is full, those who cannot never",
          "[memory]") {
  MemoryBudget budget(64 * kMiB);
  CHECK(budget.try_charge(63 * kMiB));
  CHECK_FALSE(budget.try_charge(1));
  budget.charge(2 * kMiB);
  CHECK(budget.used_bytes() == 65 * kMiB);
  budget.give_back(65 * kMiB);
  CHECK(budget.used_bytes() == 0);
  CHECK_FALSE(budget.try_charge(64 * kMiB));
}

TEST_CASE("memory budget: it is pressed from one byte over its half on", "[memory]") {
  MemoryBudget budget(1000);
  budget.charge(500);
  CHECK_FALSE(budget.pressed());
  budget.change(0, 1);
  CHECK(budget.pressed());
  budget.change(1, 0);
  CHECK_FALSE(budget.pressed());
  CHECK_FALSE(MemoryBudget().pressed());
}

TEST_CASE("memory budget: who was refused is told once there is room for as much, and only then",
          "[memory]") {
  int told = 0;
  MemoryBudget budget(64 * kMiB, [&] { ++told; });
  budget.charge(70 * kMiB);
  budget.give_back(1);
  CHECK(told == 0);  // nobody waits
  CHECK_FALSE(budget.try_charge(128 * kKiB));
  budget.give_back(7 * kMiB - 1);  // exactly what is kept back for others is free
  CHECK(told == 0);
  budget.give_back(128 * kKiB - 1);
  CHECK(told == 0);
  budget.give_back(1);
  CHECK(told == 1);
  budget.give_back(kMiB);
  CHECK(told == 1);
  CHECK(budget.try_charge(128 * kKiB));
}

TEST_CASE("memory budget: after disconnect nobody is told", "[memory]") {
  int told = 0;
  MemoryBudget budget(64 * kMiB, [&] { ++told; });
  budget.charge(64 * kMiB);
  CHECK_FALSE(budget.try_charge(1));
  budget.disconnect();
  budget.give_back(64 * kMiB);
  CHECK(told == 0);
}

TEST_CASE("memory budget: no thread that was refused waits for ever, and the bound holds",
          "[memory][threads]") {
  constexpr std::size_t kMax = 1 * kMiB;
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t told = 0;
  MemoryBudget budget(kMax, [&] {
    const std::lock_guard lock(mutex);
    ++told;
    changed.notify_all();
  });
  std::atomic<std::size_t> highest{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 2000; ++i) {
        // More than half of it each: hardly two fit at a time.
        const std::size_t bytes = kMax / 2 + random() % (kMax / 4);
        std::unique_lock lock(mutex);
        for (std::uint64_t seen = told; !budget.try_charge(bytes); seen = told)
          // The callback runs under the mutex, so a wake-up between the refusal and the wait is seen in `told`.
          changed.wait(lock, [&] { return told != seen; });
        lock.unlock();
        highest = std::max(highest.load(), budget.used_bytes());
        std::this_thread::yield();
        budget.give_back(bytes);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(highest <= kMax);
  CHECK(budget.used_bytes() == 0);
}

TEST_CASE("block pool: what is out and what lies idle stay within the budget together",
          "[memory][block_pool]") {
  const auto budget = std::make_shared<MemoryBudget>(16 * kMiB);
  BlockPool pool(BlockPool::kKeepBytes, budget);
  std::mt19937 random(3);
  std::vector<std::shared_ptr<Block>> out;
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    // Takes up to refusal and gives everything back in turns, in random order and sizes.
    const bool filling = i / 500 % 2 == 0;
    if (random() % 8 < (filling ? 6u : 2u)) {
      auto block = pool.try_take((std::size_t{64} << random() % 5) * kKiB);
      refused += !block;
      if (block) out.push_back(std::move(block));
    } else if (!out.empty()) {
      std::swap(out[random() % out.size()], out.back());
      out.pop_back();
    }
    REQUIRE(budget->used_bytes() == pool.used_bytes());
    REQUIRE(pool.used_bytes() + pool.idle_bytes() <= budget->max_bytes());
    REQUIRE(pool.idle_bytes() <= 1 * kMiB);
  }
  CHECK(refused > 100);
  out.clear();
  CHECK(budget->used_bytes() == 0);
}

TEST_CASE("block pool: idle blocks make way for one that cannot wait", "[memory][block_pool]") {
  const auto budget = std::make_shared<MemoryBudget>(16 * kMiB);
  BlockPool pool(BlockPool::kKeepBytes, budget);
  pool.take(1 * kMiB).reset();
  CHECK(pool.idle_bytes() == 1 * kMiB);
  const auto large = pool.take(16 * kMiB);
  CHECK(pool.idle_bytes() == 0);
  CHECK_FALSE(pool.try_take(1));
}

TEST_CASE("block pool: a fitting block is as large as asked, to 512 bytes",
          "[memory][block_pool]") {
  BlockPool pool;
  CHECK(pool.take_fitting(1)->capacity() == 512);
  CHECK(pool.take_fitting(513)->capacity() == 1024);
  CHECK(pool.take_fitting(100 * kKiB)->capacity() == 100 * kKiB);
  CHECK(pool.used_bytes() == 0);
  CHECK(pool.budget().used_bytes() == 0);
}

TEST_CASE("block pool: nothing is kept once it is quiet", "[memory][block_pool]") {
  BlockPool pool;
  auto block = pool.take(1), other = pool.take(1);
  other.reset();
  pool.trim_when_quiet();
  CHECK(pool.idle_bytes() == BlockPool::kMinBlockBytes);
  block.reset();
  pool.trim_when_quiet();
  CHECK(pool.idle_bytes() == 0);
}

TEST_CASE("block pool: a refused loop is woken when a sink's thread lets the last block go",
          "[memory][block_pool][threads]") {
  std::atomic<int> told{0};
  const auto budget = std::make_shared<MemoryBudget>(16 * kMiB, [&] { ++told; });
  BlockPool pool(BlockPool::kKeepBytes, budget);
  std::vector<std::shared_ptr<Block>> out;
  while (auto block = pool.try_take(1 * kMiB)) out.push_back(std::move(block));
  CHECK(out.size() == 15);
  std::thread([sink = std::move(out.back())]() mutable { sink.reset(); }).join();
  CHECK(told == 1);
  CHECK(pool.try_take(1 * kMiB));
}
