#include "server/pipeline/completion.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <thread>

#include "tests/pipeline/fakes.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::at_ms;
using test::FakeConnection;

namespace {

struct Report {
  BatchId id;
  Outcome outcome;
  std::vector<ConnectionId> members;
  friend bool operator==(const Report&, const Report&) = default;
};

/// A tracking intake with `sinks` required routes whose queues the test empties in any order.
struct Rig {
  explicit Rig(std::size_t sinks, bool required = true) {
    std::vector<Route> all;
    for (std::size_t i = 0; i < sinks; ++i) {
      queues.push_back(std::make_unique<SinkQueue>(std::size_t{1} << 20, nullptr));
      all.push_back({queues.back().get(), &route, required, !required});
    }
    intake = std::make_unique<Intake>(all, pool, cell, true);
    intake->set_completion(loop.poster(), [this](BatchId id, Outcome outcome,
                                                 const std::vector<ConnectionId>& members) {
      reports.push_back({id, outcome, members});
    });
  }
  std::vector<QueueEntry> take(std::size_t sink) {
    std::vector<QueueEntry> all;
    while (auto popped = queues[sink]->pop(0ms)) {
      queues[sink]->claim(*popped);
      queues[sink]->done(*popped);
      all.push_back(*popped);
    }
    return all;
  }

  BlockPool pool;
  BatchCell cell;
  RouteLedger route{"l", "s"};
  std::vector<std::unique_ptr<SinkQueue>> queues;
  test::TaskQueue loop;
  std::vector<Report> reports;
  std::unique_ptr<Intake> intake;
};

}  // namespace

TEST_CASE("completion: reports in any order reach the loop in id order, each once",
          "[completion][property]") {
  std::mt19937 random(GENERATE(range(1u, 21u)));
  Rig rig(2);
  FakeConnection connection(*rig.intake, 9);
  for (int i = 0; i < 30; ++i) {
    connection.read("x\n", at_ms(i));
    rig.intake->seal();
  }
  CHECK(rig.intake->open_batches() == 30);
  auto reports = rig.take(0);
  for (auto& entry : rig.take(1)) reports.push_back(entry);
  REQUIRE(reports.size() == 60);
  std::shuffle(reports.begin(), reports.end(), random);
  for (auto& entry : reports) {
    entry.batch->report(Outcome::kDelivered);
    if (random() % 3 == 0) rig.loop.run();
  }
  rig.loop.run();
  REQUIRE(rig.reports.size() == 30);
  for (std::size_t i = 0; i < 30; ++i)
    CHECK(rig.reports[i] == Report{i + 1, Outcome::kDelivered, {9}});
  CHECK(rig.intake->open_batches() == 0);
}

TEST_CASE("completion: nothing passes a batch that is not complete", "[completion]") {
  Rig rig(1);
  FakeConnection connection(*rig.intake, 9);
  for (int i = 0; i < 3; ++i) {
    connection.read("x\n", at_ms(i));
    rig.intake->seal();
  }
  const auto entries = rig.take(0);
  entries[2].batch->report(Outcome::kDelivered);
  entries[1].batch->report(Outcome::kFailed);
  rig.loop.run();
  CHECK(rig.reports.empty());
  entries[0].batch->report(Outcome::kDropped);
  rig.loop.run();
  CHECK(rig.reports == std::vector<Report>{{1, Outcome::kDropped, {9}},
                                           {2, Outcome::kFailed, {9}},
                                           {3, Outcome::kDelivered, {9}}});
}

TEST_CASE("completion: the worst of the required sinks' reports counts, whatever their order",
          "[completion]") {
  const auto [first, second, worst] = GENERATE(table<Outcome, Outcome, Outcome>({
      {Outcome::kDelivered, Outcome::kDelivered, Outcome::kDelivered},
      {Outcome::kDelivered, Outcome::kDropped, Outcome::kDropped},
      {Outcome::kDropped, Outcome::kDelivered, Outcome::kDropped},
      {Outcome::kFailed, Outcome::kDropped, Outcome::kFailed},
      {Outcome::kDropped, Outcome::kFailed, Outcome::kFailed},
  }));
  Rig rig(2);
  FakeConnection(*rig.intake, 1).read("x\n", at_ms(1));
  rig.intake->seal();
  rig.take(0).at(0).batch->report(first);
  rig.loop.run();
  CHECK(rig.reports.empty());
  rig.take(1).at(0).batch->report(second);
  rig.loop.run();
  CHECK(rig.reports == std::vector<Report>{{1, worst, {1}}});
}

TEST_CASE("completion: members are the batch's connections, each once, datagrams none",
          "[completion]") {
  Rig rig(1);
  FakeConnection a(*rig.intake, 5), b(*rig.intake, 3), datagram(*rig.intake, 0);
  for (auto* connection : {&a, &b, &a, &datagram, &b}) connection->read("x\n", at_ms(1));
  rig.intake->seal();
  rig.take(0).at(0).batch->report(Outcome::kDelivered);
  rig.loop.run();
  CHECK(rig.reports == std::vector<Report>{{1, Outcome::kDelivered, {3, 5}}});
}

TEST_CASE("completion: an acknowledgement asked for without a record comes, behind earlier batches",
          "[completion]") {
  Rig rig(1);
  FakeConnection records(*rig.intake, 1, true), nothing(*rig.intake, 2, true);
  records.read("x\n", at_ms(1));
  rig.intake->end_turn(at_ms(1));
  nothing.read("\n", at_ms(2));
  rig.intake->end_turn(at_ms(2));
  rig.loop.run();
  CHECK(rig.reports.empty());
  rig.take(0).at(0).batch->report(Outcome::kDelivered);
  rig.loop.run();
  CHECK(rig.reports ==
        std::vector<Report>{{1, Outcome::kDelivered, {1}}, {2, Outcome::kDelivered, {2}}});
  CHECK(nothing.decoder.awaited == std::vector<BatchId>{2});
}

TEST_CASE("completion: who asked without a record is told with the batch that others filled",
          "[completion]") {
  Rig rig(1);
  FakeConnection records(*rig.intake, 1), nothing(*rig.intake, 2, true);
  nothing.read("\n", at_ms(1));
  records.read("x\n", at_ms(1));
  rig.intake->end_turn(at_ms(1));
  rig.take(0).at(0).batch->report(Outcome::kDelivered);
  rig.loop.run();
  CHECK(rig.reports == std::vector<Report>{{1, Outcome::kDelivered, {1, 2}}});
}

TEST_CASE("completion: with best-effort sinks only a batch is complete when sealed",
          "[completion]") {
  Rig rig(1, false);
  FakeConnection(*rig.intake, 1).read("x\n", at_ms(1));
  rig.intake->seal();
  rig.loop.run();
  CHECK(rig.reports == std::vector<Report>{{1, Outcome::kDelivered, {1}}});
}

TEST_CASE("completion: a tracked batch is sealed in its turn, for the peer waits", "[completion]") {
  Rig rig(1);
  FakeConnection connection(*rig.intake, 1);
  for (std::size_t i = 0; i < 3; ++i) {
    connection.read("x\n", at_ms(1));
    rig.intake->end_turn(at_ms(1));
    CHECK(rig.take(0).size() == 1);
  }
}

TEST_CASE("completion: reports after the intake has gone do no harm", "[completion]") {
  Rig rig(1);
  FakeConnection(*rig.intake, 1).read("x\n", at_ms(1));
  rig.intake->seal();
  FakeConnection(*rig.intake, 1).read("y\n", at_ms(1));
  rig.intake->seal();
  const auto entries = rig.take(0);
  entries[0].batch->report(Outcome::kDelivered);  // posted, not yet run
  rig.intake.reset();
  entries[1].batch->report(Outcome::kDelivered);
  CHECK(rig.loop.run() == 1);
  CHECK(rig.reports.empty());
}

TEST_CASE("completion: the intake may be destroyed by whom it tells", "[completion]") {
  Rig rig(1);
  for (int i = 0; i < 3; ++i) {
    FakeConnection(*rig.intake, 1).read("x\n", at_ms(1));
    rig.intake->seal();
  }
  int told = 0;
  rig.intake->set_completion(rig.loop.poster(), [&](BatchId, Outcome, const auto&) {
    ++told;
    rig.intake.reset();
  });
  const auto entries = rig.take(0);
  for (const std::size_t at : {2u, 1u, 0u}) entries[at].batch->report(Outcome::kDelivered);
  rig.loop.run();
  CHECK(told == 1);
}

TEST_CASE("completion: threads that report while the intake goes away", "[completion][threads]") {
  for (int round = 0; round < 50; ++round) {
    Rig rig(1);
    for (int i = 0; i < 20; ++i) {
      FakeConnection(*rig.intake, 1).read("x\n", at_ms(1));
      rig.intake->seal();
    }
    const auto entries = rig.take(0);
    std::thread one([&] {
      for (std::size_t i = 0; i < 20; i += 2) entries[i].batch->report(Outcome::kDelivered);
    });
    std::thread two([&] {
      for (std::size_t i = 1; i < 20; i += 2) entries[i].batch->report(Outcome::kDropped);
    });
    rig.loop.run();
    rig.intake.reset();
    one.join();
    two.join();
    rig.loop.run();
    for (std::size_t i = 0; i < rig.reports.size(); ++i) CHECK(rig.reports[i].id == i + 1);
  }
}
