// The blocks an intake reads into: how batches share one, when it is changed, how large the next is.
#include <catch2/catch.hpp>

#include "tests/pipeline/intake_rig.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::at_ms;
using test::FakeConnection;
using test::IntakeRig;
using test::lines;

TEST_CASE("intake: batches share a block by ranges that do not overlap", "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  std::vector<QueueEntry> batches;
  for (int i = 0; i < 20; ++i) {
    connection.read(lines(3, 50, static_cast<char>('a' + i)), at_ms(10 * i));
    rig.intake.end_turn(at_ms(10 * i));
    for (auto& taken : rig.take_all()) batches.push_back(taken);
  }
  REQUIRE(batches.size() == 20);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const Batch& batch = batches[i].batch->batch();
    CHECK(batch.block == batches[0].batch->batch().block);
    CHECK(batch.begin == 153 * i);
    CHECK(batch.end == 153 * (i + 1));
    CHECK(test::records(batch) ==
          std::vector<std::string>(3, std::string(50, static_cast<char>('a' + i))));
  }
}

TEST_CASE("intake: millions of empty lines use one block", "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  for (int i = 0; i < 100; ++i) connection.read(std::string(60'000, '\n'), at_ms(i));
  rig.intake.end_turn(at_ms(100));
  CHECK(rig.pool.peak_bytes() == Intake::kFirstBlockBytes);
  connection.publish();
  CHECK(connection.cell->empty.get() == 6'000'000);
}

TEST_CASE("intake: there is always room, and blocks double to 1 MiB while they fill fast",
          "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  std::vector<std::size_t> capacities;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(rig.intake.room(0).size() >= Intake::kMinRoomBytes);
    connection.read(lines(300, 199), at_ms(i));
    rig.intake.end_turn(at_ms(i));
    for (const auto& taken : rig.take_all())
      if (capacities.empty() || capacities.back() != taken.batch->batch().block->capacity())
        capacities.push_back(taken.batch->batch().block->capacity());
  }
  CHECK(capacities == std::vector<std::size_t>{128 << 10, 256 << 10, 512 << 10, 1024 << 10});
}

TEST_CASE("intake: a block that took seconds to fill is followed by a small one", "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  std::int64_t now = 0;
  const auto feed = [&](int reads, int ms_each) {
    for (int i = 0; i < reads; ++i) {
      connection.read(lines(300, 199), at_ms(now += ms_each));
      rig.intake.end_turn(at_ms(now));
      rig.take_all();
    }
    return rig.pool.used_bytes();
  };
  CHECK(feed(100, 1) == 1024 << 10);
  CHECK(feed(40, 1000) == Intake::kFirstBlockBytes);
}

TEST_CASE("intake: a listener idle between two sweeps holds no block", "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  connection.read("a\n", at_ms(1));
  rig.intake.release_idle_block();
  CHECK(rig.pool.used_bytes() != 0);
  rig.intake.release_idle_block();  // a record waits
  CHECK(rig.pool.used_bytes() != 0);
  rig.intake.end_turn(at_ms(2));
  rig.take_all();
  rig.intake.release_idle_block();
  CHECK(rig.pool.used_bytes() == 0);
  connection.read("b\n", at_ms(3));
  rig.intake.end_turn(at_ms(3));
  CHECK(rig.take_records() == std::vector<std::string>{"b"});
}
