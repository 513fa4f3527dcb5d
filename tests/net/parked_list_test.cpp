#include "server/net/parked_list.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

using penstock::Parkable;
using penstock::ParkedList;

namespace {

constexpr std::chrono::milliseconds kNow{5};

penstock::Counter paused;

struct Fake final : Parkable {
  Fake() : Parkable(paused) {}
  bool try_resume() override {
    ++tries;
    return on_try ? on_try() : resumes;
  }
  int tries = 0;
  bool resumes = true;
  std::function<bool()> on_try;
};

}  // namespace

TEST_CASE("parked list: adding and removing twice is harmless", "[net][parked]") {
  ParkedList list;
  Fake one, two;
  list.add(one, kNow);
  list.add(one, kNow);
  CHECK(list.size() == 1);
  CHECK(one.is_parked());
  list.remove(two);
  list.remove(one);
  list.remove(one);
  CHECK(list.size() == 0);
  CHECK_FALSE(one.is_parked());
}

TEST_CASE("parked list: whoever resumes leaves it, whoever does not stays", "[net][parked]") {
  ParkedList list;
  std::vector<Fake> all(5);
  for (Fake& one : all) list.add(one, kNow);
  all[1].resumes = all[4].resumes = false;
  list.resume_all();
  CHECK(list.size() == 2);
  for (const Fake& one : all) CHECK(one.tries == 1);
  CHECK(all[1].is_parked());
  CHECK(all[4].is_parked());
  CHECK_FALSE(all[0].is_parked());
}

TEST_CASE("parked list: one that parks again while it resumes stays parked, and is not asked twice",
          "[net][parked]") {
  ParkedList list;
  Fake one, other;
  one.on_try = [&] {
    list.add(one, kNow);  // it read, and found the gate shut again
    return true;
  };
  list.add(other, kNow);
  list.add(one, kNow);
  list.resume_all();
  CHECK(one.tries == 1);
  CHECK(other.tries == 1);
  CHECK(one.is_parked());
  CHECK(list.size() == 1);
  list.resume_all();
  CHECK(one.tries == 2);
}

TEST_CASE("parked list: others may be removed and added while one resumes; each left is asked once",
          "[net][parked]") {
  const std::size_t victim = GENERATE(0u, 1u, 2u, 3u, 4u);
  const std::size_t actor = GENERATE(0u, 2u, 4u);
  if (victim == actor) return;
  CAPTURE(victim, actor);
  ParkedList list;
  std::vector<Fake> all(5);
  Fake late;
  for (Fake& one : all) list.add(one, kNow);
  for (Fake& one : all) one.resumes = false;
  all[actor].on_try = [&] {
    list.remove(all[victim]);
    list.add(late, kNow);
    return true;
  };
  list.resume_all();
  for (std::size_t i = 0; i < all.size(); ++i) {
    CAPTURE(i);
    CHECK(all[i].is_parked() == (i != actor && i != victim));
    if (i != victim) CHECK(all[i].tries == 1);
  }
  CHECK(late.is_parked());
  CHECK(late.tries == 0);
}

TEST_CASE("parked list: where each round has room for three, everybody comes to read",
          "[net][parked]") {
  ParkedList list;
  std::vector<Fake> all(100);
  std::vector<int> served(all.size(), 0);
  std::vector<std::size_t> resumed;  // in this order they read, and park again
  for (std::size_t i = 0; i < all.size(); ++i) {
    list.add(all[i], kNow);
    all[i].on_try = [&, i] {
      resumed.push_back(i);
      return true;
    };
  }
  for (int round = 0; round < 1000; ++round) {
    resumed.clear();
    list.resume_all();
    REQUIRE(resumed.size() == all.size());
    for (std::size_t k = 0; k < 3; ++k) ++served[resumed[k]];
    for (const std::size_t i : resumed) list.add(all[i], kNow);
  }
  for (const int times : served) CHECK(times > 5);
}
