#include "server/admin/rates.h"

#include <catch2/catch.hpp>

#include "tests/admin/status_support.h"

namespace penstock::admin {
namespace {

std::uint64_t& lost(RouteStatus& route, RouteLoss loss) {
  return route.totals.lost[static_cast<std::size_t>(loss)];
}

TEST_CASE("rates: differences by the time that has passed, of parts and in all", "[admin][rates]") {
  Status before = status_at(100), now = status_at(102);
  before.listeners = {listener_named("a", 1000, 10), listener_named("b", 5, 1)};
  now.listeners = {listener_named("a", 5000, 30), listener_named("b", 5, 1)};
  before.sinks = now.sinks = {sink_named("file"), sink_named("copy")};
  before.routes = {route_between("a", "file", 10), route_between("a", "copy", 8),
                   route_between("b", "file", 1)};
  now.routes = {route_between("a", "file", 20), route_between("a", "copy", 10),
                route_between("b", "file", 5)};
  const Rates rates = rates_between(before, now);
  CHECK(rates.seconds == Approx(2));
  CHECK(rates.listeners[0].read_bytes == Approx(2000));
  CHECK(rates.listeners[0].events == Approx(10));
  CHECK(rates.listeners[1].read_bytes == 0);
  CHECK(rates.routes[1].delivered == Approx(1));
  CHECK(rates.sinks[0].delivered == Approx(7));  // of both routes
  CHECK(rates.sinks[1].delivered == Approx(1));
  CHECK(rates.read_bytes == Approx(2000));
  CHECK(rates.events == Approx(10));
  CHECK(rates.delivered == Approx(8));
}

TEST_CASE("rates: every loss counts, the kernel's too, but not what is left over",
          "[admin][rates]") {
  Status before = status_at(1), now = status_at(2);
  before.listeners = now.listeners = {listener_named("udp")};
  before.routes = now.routes = {route_between("udp", "file")};
  now.sinks = {sink_named("file")};
  now.listeners[0].totals.kernel_drops = 100;
  now.listeners[0].totals.refused_while_stopping = 20;
  now.listeners[0].totals.counts.rejected[static_cast<std::size_t>(Reason::kOversize)] = 3;
  lost(now.routes[0], RouteLoss::kQueueFull) = 4000;
  lost(now.routes[0], RouteLoss::kFailed) = 500;
  lost(now.routes[0], RouteLoss::kLeftover) = 99;
  const Rates rates = rates_between(before, now);
  CHECK(rates.listeners[0].lost == Approx(123));
  CHECK(rates.routes[0].lost == Approx(4500));
  CHECK(rates.sinks[0].lost == Approx(4500));
  CHECK(rates.lost == Approx(4623));
}

TEST_CASE("rates: the first look has none, and no counter goes backwards", "[admin][rates]") {
  Status now = status_at(10);
  now.listeners = {listener_named("a", 1000, 10)};
  CHECK(rates_between(Status{}, now).seconds == 0);
  CHECK(rates_between(Status{}, now).read_bytes == 0);
  Status later = status_at(11);
  later.listeners = {listener_named("a", 900, 10)};
  CHECK(rates_between(now, later).read_bytes == 0);
  Status clock_set_back = status_at(3);
  clock_set_back.listeners = {listener_named("a", 2000, 10)};
  CHECK(rates_between(now, clock_set_back).read_bytes == 0);
}

TEST_CASE("rates: parts are found by name when others came or went", "[admin][rates]") {
  Status before = status_at(1), now = status_at(2);
  before.listeners = {listener_named("gone", 77), listener_named("kept", 10)};
  now.listeners = {listener_named("kept", 15), listener_named("new", 4)};
  const Rates rates = rates_between(before, now);
  CHECK(rates.listeners[0].read_bytes == Approx(5));
  CHECK(rates.listeners[1].read_bytes == Approx(4));
}

TEST_CASE("rates: as JSON, with three digits behind the point", "[admin][rates]") {
  Status before = status_at(0), now = status_at(3);
  before.time_ns = 1;  // 0 is: no look
  before.listeners = {listener_named("a \"b\"", 0, 0)};
  now.listeners = {listener_named("a \"b\"", 10, 1)};
  JsonDocument json;
  json.open_object();
  add_rates(json, rates_between(before, now));
  json.close_object();
  CHECK(
      std::string(json.text()) ==
      R"({"rates":{"interval_seconds":3.0,"read_bytes_per_second":3.333,"events_per_second":0.333,)"
      R"("delivered_per_second":0.0,"lost_per_second":0.0,"listeners":[{"name":"a \"b\"",)"
      R"("read_bytes_per_second":3.333,"events_per_second":0.333,"lost_per_second":0.0}],)"
      R"("routes":[],"sinks":[]}})");
}

}  // namespace
}  // namespace penstock::admin
