#include "server/pipeline/tap_point.h"

#include <catch2/catch.hpp>

#include <thread>

#include "tests/pipeline/intake_rig.h"
#include "tests/sinks/batches.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::BatchBuilder;

namespace {

std::shared_ptr<SealedBatch> batch_of(std::vector<std::string> records) {
  return std::make_shared<SealedBatch>(
      BatchBuilder().lines(test::kOrigin, test::peer(1), 0, records).take(), 0, nullptr);
}

bool rings(TapBell& bell) { return bell.wait(std::chrono::steady_clock::now()); }

}  // namespace

TEST_CASE("tap point: while nobody taps, batches are neither kept nor counted", "[tap]") {
  TapPoint point("in");
  const auto batch = batch_of({"a"});
  point.offer(batch);
  CHECK(batch.use_count() == 1);
  TapBell bell;
  point.open(bell);
  const TapPoint::Taken taken = point.take();
  CHECK(taken.batches[0] == nullptr);
  CHECK(taken.unseen == 0);
}

TEST_CASE("tap point: the mailbox holds two, what does not fit is counted in records", "[tap]") {
  TapPoint point("in");
  TapBell bell;
  point.open(bell);
  const auto first = batch_of({"a"}), second = batch_of({"b"}), third = batch_of({"c", "d", "e"});
  for (const auto& batch : {first, second, third}) point.offer(batch);
  CHECK(third.use_count() == 1);
  CHECK(rings(bell));
  const TapPoint::Taken taken = point.take();
  CHECK(taken.batches[0] == first);
  CHECK(taken.batches[1] == second);
  CHECK(taken.unseen == 3);
  point.offer(third);
  CHECK(point.take().batches[0] == third);
  CHECK(point.take().unseen == 0);
}

TEST_CASE("tap point: closing lets go of what waits; opened again it begins anew", "[tap]") {
  TapPoint point("in");
  TapBell bell;
  point.open(bell);
  const auto batch = batch_of({"a", "b"});
  for (int i = 0; i < 3; ++i) point.offer(batch);
  point.close();
  CHECK(batch.use_count() == 1);
  point.offer(batch);
  CHECK(batch.use_count() == 1);
  point.open(bell);
  point.open(bell);  // a second tap
  CHECK(point.take().unseen == 0);
  point.offer(batch);
  CHECK(point.take().batches[0] == batch);
}

TEST_CASE("tap point: the bell is heard once, however often it was rung", "[tap]") {
  TapBell bell;
  for (int i = 0; i < 100; ++i) bell.ring();
  CHECK(rings(bell));
  CHECK_FALSE(rings(bell));
  bell.ring();
  CHECK(rings(bell));
}

TEST_CASE("tap point: every record of several loops is taken or counted", "[tap]") {
  constexpr int kLoops = 3, kBatches = 5000;
  TapPoint point("in");
  TapBell bell;
  point.open(bell);
  std::atomic<int> running{kLoops};
  std::vector<std::thread> loops;
  for (int i = 0; i < kLoops; ++i) {
    loops.emplace_back([&] {
      for (int n = 0; n < kBatches; ++n) point.offer(batch_of({"a", "b"}));
      if (--running == 0) bell.ring();
    });
  }
  std::uint64_t seen = 0, unseen = 0;
  const auto take = [&] {
    const TapPoint::Taken taken = point.take();
    for (const auto& batch : taken.batches) seen += batch ? batch->events() : 0;
    unseen += taken.unseen;
  };
  while (running != 0) {
    (void)bell.wait(std::chrono::steady_clock::now() + 10s);
    take();
  }
  for (std::thread& loop : loops) loop.join();
  take();
  CHECK(seen > 0);
  CHECK(seen + unseen == std::uint64_t{kLoops} * kBatches * 2);
}

TEST_CASE("tap point: an intake offers what it seals, and the sinks get it all the same", "[tap]") {
  TapPoint point("in");
  test::IntakeRig rig;
  Intake intake({{&rig.queue, &rig.route}}, rig.pool, rig.cell, false, &point);
  test::FakeConnection connection(intake, 1);
  connection.read("before\n", test::at_ms(1));
  intake.seal();
  TapBell bell;
  point.open(bell);
  connection.read("one\ntwo\n", test::at_ms(2));
  CHECK(point.take().batches[0] == nullptr);  // not sealed yet
  intake.seal();
  const TapPoint::Taken taken = point.take();
  REQUIRE(taken.batches[0] != nullptr);
  CHECK(test::records(taken.batches[0]->batch()) == std::vector<std::string>{"one", "two"});
  CHECK(rig.take_records() == std::vector<std::string>{"before", "one", "two"});
}

TEST_CASE("tap point: a batch that only a tap still holds may outlive its pool", "[tap]") {
  TapPoint point("in");
  TapBell bell;
  point.open(bell);
  {
    test::IntakeRig rig;
    Intake intake({{&rig.queue, &rig.route}}, rig.pool, rig.cell, false, &point);
    test::FakeConnection connection(intake, 1);
    connection.read("last\n", test::at_ms(1));
  }
  const TapPoint::Taken taken = point.take();
  REQUIRE(taken.batches[0] != nullptr);
  CHECK(test::records(taken.batches[0]->batch()) == std::vector<std::string>{"last"});
}
