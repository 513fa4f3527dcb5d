// When an intake seals its batch, and what its routes make of it: pushed, lost and counted, or a gate that shuts.
#include <catch2/catch.hpp>

#include "tests/pipeline/intake_rig.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::at_ms;
using test::FakeConnection;
using test::IntakeRig;
using test::lines;

TEST_CASE("intake: two-byte frames seal by their index, so memory stays a few times the bytes",
          "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  const std::string flood = lines(30'000, 1);
  std::size_t worst = 0, frames = 0;
  for (int i = 0; i < 200; ++i) {
    connection.read(flood, at_ms(1));
    for (const auto& taken : rig.take_all()) {
      worst = std::max(worst, taken.batch->batch().charged_bytes);
      frames += taken.batch->events();
    }
  }
  rig.intake.seal();
  for (const auto& taken : rig.take_all()) frames += taken.batch->events();
  CHECK(frames == 200 * 30'000);
  CHECK(worst <= std::size_t{2} << 20);
}

TEST_CASE(
    "intake: while the sink is busy a batch waits for its age, when idle for the gap between seals",
    "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  connection.read("a\n", at_ms(100));
  rig.intake.end_turn(at_ms(100));
  const auto in_flight = rig.queue.pop(0ms);
  REQUIRE(in_flight);

  connection.read("b\n", at_ms(101));
  rig.intake.end_turn(at_ms(101));
  CHECK(rig.intake.seal_due() == 106ms);
  rig.intake.end_turn(at_ms(105));
  CHECK(rig.queue.fill_bytes() == in_flight->batch->batch().charged_bytes);
  rig.intake.end_turn(at_ms(106));
  CHECK(rig.queue.fill_bytes() > in_flight->batch->batch().charged_bytes);
  CHECK_FALSE(rig.intake.seal_due());
  rig.queue.claim(*in_flight);
  rig.queue.done(*in_flight);
  rig.take_all();

  connection.read("c\n", at_ms(106));
  rig.intake.end_turn(at_ms(106));  // idle, but woken in this very millisecond
  CHECK(rig.take_all().empty());
  CHECK(rig.intake.seal_due() == 107ms);
  rig.intake.end_turn(at_ms(107));
  CHECK(rig.take_records() == std::vector<std::string>{"c"});
}

TEST_CASE("intake: a droppable route never shuts the gate, a full one loses and is counted",
          "[intake]") {
  const bool required = GENERATE(true, false);
  BlockPool pool;
  BatchCell cell;
  SinkQueue main_queue(std::size_t{1} << 20, {}), drop_queue(1, {});
  RouteLedger main_route("l", "main"), drop_route("l", "drop");
  Intake intake({{&main_queue, &main_route}, {&drop_queue, &drop_route, required, true}}, pool,
                cell, false);
  FakeConnection connection(intake, 1);
  for (int i = 0; i < 5; ++i) {
    CHECK(intake.gate_open());
    connection.read("a\nb\n", at_ms(i));
    intake.seal();
  }
  CHECK_FALSE(drop_queue.open());
  CHECK(main_route.events == 10);
  CHECK(main_route.queued == 10);
  CHECK(drop_route.events == 10);
  CHECK(drop_route.queued == 2);
  CHECK(drop_route.lost[static_cast<std::size_t>(RouteLoss::kQueueFull)] == 8);
}

TEST_CASE("intake: the gate is shut while any blocking required queue is full", "[intake]") {
  BlockPool pool;
  BatchCell cell;
  SinkQueue one(1000, {}), two(1, {});
  RouteLedger route("l", "s");
  Intake intake({{&one, &route}, {&two, &route}}, pool, cell, false);
  FakeConnection connection(intake, 1);
  CHECK(intake.gate_open());
  connection.read("a\n", at_ms(1));
  intake.seal();
  CHECK_FALSE(intake.gate_open());
  const auto popped = two.pop(0ms);
  two.claim(*popped);
  two.done(*popped);
  CHECK(intake.gate_open());
}
