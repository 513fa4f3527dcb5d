#include "server/net/tail_buffer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <random>
#include <string>

using penstock::PartialAccount;
using penstock::PartialBudget;
using penstock::TailBuffer;

TEST_CASE("tail buffer: holds no memory while empty, and charges what it holds", "[net][tail]") {
  PartialBudget budget(1000);
  PartialAccount account(budget);
  {
    TailBuffer tail(account);
    CHECK(tail.capacity() == 0);
    CHECK(tail.view().empty());
    tail.assign("abc");
    CHECK(tail.view() == "abc");
    CHECK(budget.used_bytes() == tail.capacity());
    tail.assign("");
    CHECK(tail.capacity() == 0);
    CHECK(budget.used_bytes() == 0);
    tail.assign("defg");
    CHECK(budget.used_bytes() == tail.capacity());
  }
  CHECK(budget.used_bytes() == 0);
}

TEST_CASE("tail buffer: the budget is exceeded by one byte over it, not before", "[net][tail]") {
  PartialBudget budget(128);
  PartialAccount account(budget);
  TailBuffer a(account), b(account);
  a.assign(std::string(128, 'x'));
  CHECK(budget.used_bytes() == 128);
  CHECK_FALSE(budget.exceeded());
  b.assign("y");
  CHECK(budget.exceeded());
  b.clear();
  CHECK_FALSE(budget.exceeded());
}

TEST_CASE("tail buffer: over the budget only an account with an equal share or more must close one",
          "[net][tail]") {
  PartialBudget budget(1280);
  PartialAccount first(budget), second(budget);
  TailBuffer large(first), small(second);
  large.assign(std::string(1280, 'x'));
  CHECK_FALSE(first.must_close_one());
  small.assign("y");
  CHECK(first.must_close_one());
  CHECK_FALSE(second.must_close_one());
  small.assign(std::string(640, 'y'));
  CHECK(second.must_close_one());
  large.clear();
  CHECK_FALSE(second.must_close_one());
}

TEST_CASE("tail buffer: memory that is far too large for its content is given back",
          "[net][tail]") {
  PartialBudget budget(std::size_t{1} << 30);
  PartialAccount account(budget);
  TailBuffer tail(account);
  tail.assign(std::string(std::size_t{1} << 20, 'x'));
  tail.assign("short");
  CHECK(tail.view() == "short");
  CHECK(tail.capacity() < 4096);
  CHECK(budget.used_bytes() == tail.capacity());
}

TEST_CASE("tail buffer: a long frame's memory goes back too when only a short rest stays behind it",
          "[net][tail]") {
  PartialBudget budget(std::size_t{1} << 30);
  PartialAccount account(budget);
  TailBuffer tail(account);
  const std::string frame(std::size_t{1} << 20, 'x');
  frame.copy(tail.space(frame.size()).data(), frame.size());
  tail.grow(frame.size());
  tail.drop_front(frame.size() - 3);
  CHECK(tail.view() == "xxx");
  CHECK(tail.capacity() < 65536);
  CHECK(budget.used_bytes() == tail.capacity());
}

TEST_CASE(
    "tail buffer: content survives growth and drops, the charge is the capacity at every step",
    "[net][tail]") {
  PartialBudget budget(std::size_t{1} << 30);
  PartialAccount account(budget);
  std::mt19937 random(7);
  std::string model;
  TailBuffer tail(account);
  for (int step = 0; step < 5000; ++step) {
    const std::size_t n = random() % 5000;
    switch (random() % 4) {
      case 0: {
        model.assign(n, static_cast<char>('a' + step % 26));
        tail.assign(model);
        break;
      }
      case 1: {
        const std::string more(n, static_cast<char>('A' + step % 26));
        const auto space = tail.space(n);
        REQUIRE(space.size() >= n);
        more.copy(space.data(), n);
        tail.grow(n);
        model += more;
        break;
      }
      case 2: {
        const std::size_t front = model.empty() ? 0 : random() % (model.size() + 1);
        tail.drop_front(front);
        model.erase(0, front);
        break;
      }
      default: {
        tail.clear();
        model.clear();
      }
    }
    REQUIRE(tail.view() == model);
    REQUIRE(budget.used_bytes() == tail.capacity());
  }
}

TEST_CASE("tail buffer: a long frame that grows read by read holds little more than its bytes",
          "[net][tail]") {
  PartialBudget budget(std::size_t{1} << 30);
  PartialAccount account(budget);
  TailBuffer tail(account);
  std::mt19937 random(11);
  while (tail.size() < std::size_t{16} << 20) {
    const auto space = tail.space(4096);
    REQUIRE(space.size() >= 4096);
    const std::size_t read = std::min(space.size(), std::size_t{1} + random() % 300'000);
    std::fill_n(space.begin(), read, 'x');
    tail.grow(read);
    REQUIRE(tail.capacity() <= tail.size() + TailBuffer::kMaxSpareBytes + 64);
    REQUIRE(tail.capacity() <= 2 * tail.size() + 8192);
  }
  CHECK(tail.view().find_first_not_of('x') == std::string_view::npos);
}

TEST_CASE("tail buffer: one frame of the largest size passes alone, with what is read behind it",
          "[net][tail]") {
  constexpr std::size_t kFrame = std::size_t{4} << 20, kRead = std::size_t{256} << 10;
  PartialBudget budget(kFrame + PartialBudget::kReadAheadBytes);
  PartialAccount account(budget);
  TailBuffer tail(account);
  tail.assign(std::string(4300, 'x'));
  while (tail.size() < kFrame + kRead) {
    tail.grow(std::min(tail.space(4096).size(), kRead));
    REQUIRE_FALSE(account.must_close_one());
  }
}

TEST_CASE("tail buffer: unfinished frames are charged to the whole memory as well", "[net][tail]") {
  const auto memory = std::make_shared<penstock::MemoryBudget>(1000);
  PartialBudget budget(1000, memory);
  PartialAccount account(budget);
  TailBuffer tail(account);
  tail.assign(std::string(600, 'x'));
  CHECK(memory->used_bytes() == tail.capacity());
  tail.drop_front(590);
  CHECK(memory->used_bytes() == tail.capacity());
  tail.clear();
  CHECK(memory->used_bytes() == 0);
}
