#include "server/pipeline/block_pool.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <thread>
#include <vector>

using namespace penstock;

namespace {
constexpr std::size_t kKiB = 1024;
}

TEST_CASE("block pool: capacities are powers of two up to 1 MiB, above that multiples of 64 KiB",
          "[block_pool]") {
  const auto [asked, given] =
      GENERATE(table<std::size_t, std::size_t>({{0, 64 * kKiB},
                                                {1, 64 * kKiB},
                                                {64 * kKiB, 64 * kKiB},
                                                {64 * kKiB + 1, 128 * kKiB},
                                                {513 * kKiB, 1024 * kKiB},
                                                {1024 * kKiB, 1024 * kKiB},
                                                {1024 * kKiB + 1, 1088 * kKiB},
                                                {16448 * kKiB, 16448 * kKiB}}));
  CAPTURE(asked);
  BlockPool pool;
  CHECK(pool.take(asked)->capacity() == given);
}

TEST_CASE("block pool: the block returned last is given out first", "[block_pool]") {
  BlockPool pool;
  auto first = pool.take(1), second = pool.take(1);
  const char* const first_data = first->data();
  second.reset();
  first.reset();
  CHECK(pool.take(1)->data() == first_data);
}

TEST_CASE("block pool: used, peak and idle bytes count capacity", "[block_pool]") {
  BlockPool pool;
  auto small = pool.take(1), large = pool.take(1024 * kKiB);
  CHECK(pool.used_bytes() == 1088 * kKiB);
  large.reset();
  CHECK(pool.used_bytes() == 64 * kKiB);
  CHECK(pool.peak_bytes() == 1088 * kKiB);
  CHECK(pool.idle_bytes() == 1024 * kKiB);
  pool.trim();
  CHECK(pool.idle_bytes() == 0);
}

TEST_CASE("block pool: no more than keep_bytes lie idle, and sizes out of use make way",
          "[block_pool]") {
  BlockPool pool(256 * kKiB);
  {
    std::vector<std::shared_ptr<Block>> small;
    for (int i = 0; i < 10; ++i) small.push_back(pool.take(1));
  }
  CHECK(pool.idle_bytes() == 256 * kKiB);
  pool.take(256 * kKiB).reset();
  CHECK(pool.idle_bytes() == 256 * kKiB);
  const std::size_t used = pool.used_bytes();
  const auto reused = pool.take(256 * kKiB);
  CHECK(used == 0);
  CHECK(pool.idle_bytes() == 0);
}

TEST_CASE("block pool: a block for a larger frame is not kept", "[block_pool]") {
  BlockPool pool;
  pool.take(2048 * kKiB).reset();
  CHECK(pool.idle_bytes() == 0);
  CHECK(pool.used_bytes() == 0);
}

TEST_CASE("block pool: a block outlives its pool", "[block_pool]") {
  auto pool = std::make_unique<BlockPool>();
  auto block = pool->take(1);
  auto other = pool->take(1);
  pool.reset();
  std::memset(block->data(), 'x', block->capacity() + Block::kSlackBytes);
  other.reset();
  CHECK(block->data()[0] == 'x');
}

TEST_CASE("block pool: many threads take and return", "[block_pool][threads]") {
  BlockPool pool;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t)
    threads.emplace_back([&pool, t] {
      for (std::size_t i = 0; i < 500; ++i) {
        const auto block = pool.take((1 + (i + t) % 5) * 64 * kKiB);
        block->data()[block->capacity() - 1] = 'x';
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(pool.used_bytes() == 0);
  CHECK(pool.peak_bytes() <= 4 * 512 * kKiB);
}
