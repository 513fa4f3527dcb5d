#include "server/admin/history.h"

#include <rapidjson/document.h>

#include <catch2/catch.hpp>

#include "tests/admin/status_support.h"

namespace penstock::admin {
namespace {

/// A point at that second, with figures that tell it from the others.
void add(History& history, std::int64_t second,
         std::vector<SinkStatus> sinks = {sink_named("s", 250)}) {
  Status status = status_at(second);
  status.sinks = std::move(sinks);
  status.listeners = {listener_named("a"), listener_named("b")};
  status.listeners[0].kernel.receive_queue_bytes = static_cast<std::uint64_t>(second);
  status.listeners[1].kernel.receive_queue_bytes = 1'000'000;
  const double figure = static_cast<double>(second);
  history.add(status, {.seconds = 1,
                       .read_bytes = figure * 10,
                       .events = figure,
                       .delivered = figure + 0.6,
                       .lost = 0.4});
}

rapidjson::Document parsed(const History& history) {
  rapidjson::Document document;
  document.Parse(history.json().c_str());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

TEST_CASE("history: one point a look, as lists of the same length", "[admin][history]") {
  History history;
  add(history, 5);
  add(history, 6);
  CHECK(
      history.json() ==
      R"({"points_max":600,"time":[5000,6000],"read_bytes_per_second":[50,60],"events_per_second":[5,6],)"
      R"("delivered_per_second":[6,7],"lost_per_second":[0,0],"receive_queue_bytes":[1000005,1000006],)"
      R"("queues":[{"sink":"s","fill":[0.25,0.25]}]})");
}

TEST_CASE("history: empty at first, and without a look before there is no rate to keep",
          "[admin][history]") {
  History history;
  history.add(status_at(1), {});
  CHECK(history.size() == 0);
  CHECK(parsed(history)["time"].Empty());
}

TEST_CASE("history: ten minutes and no more, oldest first", "[admin][history]") {
  History history;
  for (std::int64_t second = 1; second <= 1500; ++second) add(history, second);
  CHECK(history.size() == History::kPoints);
  const rapidjson::Document document = parsed(history);
  REQUIRE(document["time"].Size() == 600);
  for (rapidjson::SizeType at = 0; at < 600; ++at) {
    REQUIRE(document["time"][at].GetInt64() == (901 + at) * 1000);
    REQUIRE(document["events_per_second"][at].GetUint64() == 901 + at);
    REQUIRE(document["receive_queue_bytes"][at].GetUint64() == 1'000'901 + at);
  }
  CHECK(document["queues"][0]["fill"].Size() == 600);
}

TEST_CASE(
    "history: a sink that comes knows nothing of before, one that goes takes its column along",
    "[admin][history]") {
  History history;
  add(history, 1, {sink_named("old", 100), sink_named("kept", 500)});
  add(history, 2, {sink_named("kept", 600), sink_named("new", 1100)});
  const rapidjson::Document document = parsed(history);
  const auto& queues = document["queues"];
  REQUIRE(queues.Size() == 2);
  CHECK(queues[0]["sink"] == "kept");
  CHECK(queues[0]["fill"][0].GetDouble() == 0.5);
  CHECK(queues[0]["fill"][1].GetDouble() == 0.6);
  CHECK(queues[1]["sink"] == "new");
  CHECK(queues[1]["fill"][0].IsNull());
  CHECK(queues[1]["fill"][1].GetDouble() == 1.1);  // an overshoot is shown as it is
}

}  // namespace
}  // namespace penstock::admin
