#include "server/sinks/nats/flight_table.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <vector>

using namespace penstock;
using namespace std::chrono_literals;

namespace {

using Ids = std::vector<FlightTable::Id>;

/// A table with a clock that stands still unless it is moved.
class Flown {
 public:
  void add(FlightTable::Id id, std::size_t bytes = 1) { table.add(id, bytes, now); }
  Ids expire_after(FlightTable::Clock::duration step) {
    now += step;
    Ids ids;
    table.expire(now, [&](FlightTable::Id id) { ids.push_back(id); });
    return ids;
  }

  FlightTable table{5s};
  FlightTable::Clock::time_point now{1h};
};

}  // namespace

TEST_CASE("records wait for their answers as long as the table says, first ones first", "[nats]") {
  Flown flown;
  flown.add(1);
  CHECK(flown.expire_after(2s).empty());
  flown.add(2);
  flown.add(3);
  CHECK(flown.expire_after(2999ms).empty());
  CHECK(flown.expire_after(1ms) == Ids{1});
  CHECK(flown.expire_after(2s) == Ids{2, 3});
  CHECK(flown.table.size() == 0);
  CHECK(flown.expire_after(1h).empty());
}

TEST_CASE("what is answered does not expire, and is answered once", "[nats]") {
  Flown flown;
  flown.add(1);
  flown.add(2);
  CHECK(flown.table.end(1));
  CHECK_FALSE(flown.table.end(1));
  CHECK_FALSE(flown.table.end(7));
  CHECK(flown.expire_after(5s) == Ids{2});
}

TEST_CASE("a record that is sent again waits from then on", "[nats]") {
  Flown flown;
  flown.add(1);
  CHECK(flown.expire_after(4s).empty());
  const bool answered = GENERATE(false, true);  // by an error, as a rule
  if (answered) flown.table.end(1);
  flown.add(1);
  CHECK(flown.table.size() == 1);
  CHECK(flown.expire_after(4999ms).empty());
  CHECK(flown.expire_after(1ms) == Ids{1});
}

TEST_CASE("bytes are those of the records that wait", "[nats]") {
  Flown flown;
  flown.add(1, 100);
  flown.add(2, 20);
  flown.add(1, 100);
  CHECK(flown.table.bytes() == 120);
  flown.table.end(1);
  CHECK(flown.table.bytes() == 20);
  CHECK(flown.expire_after(5s) == Ids{2});
  CHECK(flown.table.bytes() == 0);
}

TEST_CASE("a lost connection leaves nothing that waits", "[nats]") {
  Flown flown;
  flown.add(1, 10);
  flown.table.clear();
  CHECK(flown.table.size() == 0);
  CHECK(flown.table.bytes() == 0);
  CHECK(flown.expire_after(1h).empty());
  flown.add(1, 10);
  CHECK(flown.expire_after(5s) == Ids{1});
}

TEST_CASE("one answer that is missing keeps those behind it neither back nor in memory", "[nats]") {
  Flown flown;
  flown.add(0);
  for (FlightTable::Id id = 1; id <= 100'000; ++id) {
    flown.add(id);
    REQUIRE(flown.table.end(id));
  }
  CHECK(flown.table.size() == 1);
  CHECK(flown.table.remembered() <= 1024);
  CHECK(flown.expire_after(5s) == Ids{0});
}
