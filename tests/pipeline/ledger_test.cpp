#include "server/pipeline/ledger.h"

#include <catch2/catch.hpp>
#include <set>

using namespace penstock;

TEST_CASE("ledger: entries are found by name and keep their address", "[ledger]") {
  Ledger ledger(2);
  ListenerLedger& a = ledger.listener("a");
  RouteLedger& route = ledger.route("a", "file");
  for (int i = 0; i < 100; ++i)
    ledger.listener("l" + std::to_string(i)), ledger.route("a", "s" + std::to_string(i));
  CHECK(&ledger.listener("a") == &a);
  CHECK(&ledger.route("a", "file") == &route);
  CHECK(&ledger.route("file", "a") != &route);
  CHECK(a.batches.size() == 2);
  UrlLedger& url = ledger.url("a", "udp://[::]:1");
  ledger.url("a", "udp://[::]:2");
  CHECK(&ledger.url("a", "udp://[::]:1") == &url);
  CHECK(&ledger.url("b", "udp://[::]:1") != &url);
  CHECK(url.cells.size() == 2);
}

TEST_CASE("ledger: cells of all loops are summed, and those of all URLs", "[ledger]") {
  Ledger ledger(3);
  ledger.url("a", "tcp://[::]:2").cells[1]->read_bytes.add(2);
  ledger.url("a", "tcp://[::]:2").cells[2]->in_frames_bytes.add(2);
  ledger.url("a", "tcp://[::]:2").cells[2]->paused.add(1);
  for (auto& cell : ledger.url("a", "tcp://[::]:1").cells) {
    cell->read_bytes.add(10);
    cell->in_frames_bytes.add(6);
    cell->framing_bytes.add(1);
    cell->cut_bytes.add(1);
    cell->compressed_bytes.add(5);
    cell->decompressed_bytes.add(5);
    cell->discarded_bytes[2].add(1);
    cell->partial_held_bytes.set(1);
    cell->frames.add(3);
    cell->decoded.add(1);
    cell->events.add(1);
    cell->empty.add(1);
    cell->rejected[1].add(1);
    cell->ended[4].add(7);
  }
  const LedgerSnapshot snapshot = ledger.snapshot();
  const ListenerTotals& totals = snapshot.listeners.at(0);
  REQUIRE(totals.urls.size() == 2);
  CHECK(totals.urls[0].read_bytes == 2);
  CHECK(totals.urls[1].url == "tcp://[::]:1");
  CHECK(totals.urls[1].read_bytes == 30);
  CHECK(totals.urls[1].bytes_balance());
  CHECK(totals.paused == 1);
  CHECK(totals.read_bytes == 32);
  CHECK(totals.counts.frames == 9);
  CHECK(totals.ended[4] == 21);
  CHECK(totals.bytes_balance());
  CHECK(totals.frames_balance());
}

TEST_CASE("ledger: each term of the byte identity matters", "[ledger]") {
  ListenerTotals totals;
  totals.read_bytes = 1;
  CHECK_FALSE(totals.bytes_balance());
  const int term = GENERATE(0, 1, 2, 3, 4, 5);
  CAPTURE(term);
  if (term == 0) totals.counts.in_frames_bytes = 1;
  if (term == 1) totals.counts.framing_bytes = 1;
  if (term == 2) totals.counts.cut_bytes = 1;
  if (term == 3) totals.counts.discarded_bytes[kReasonCount - 1] = 1;
  if (term == 4) totals.partial_held_bytes = 1;
  if (term == 5) totals.counts.compressed_bytes = 1;
  CHECK(totals.bytes_balance());
}

TEST_CASE("ledger: each term of the frame and event identities matters", "[ledger]") {
  ListenerTotals totals;
  totals.counts.frames = 3;
  totals.counts.decoded = totals.counts.events = totals.counts.empty = 1;
  CHECK_FALSE(totals.frames_balance());
  totals.counts.rejected[0] = 1;
  CHECK(totals.frames_balance());
  totals.counts.frames = 4;
  CHECK_FALSE(totals.frames_balance());
  totals.counts.aggregated = 1;
  CHECK(totals.frames_balance());
  totals.counts.events = 2;
  CHECK_FALSE(totals.frames_balance());
  totals.counts.flushed = 1;
  CHECK(totals.frames_balance());

  RouteTotals route;
  route.events = 4;
  route.delivered = route.queued = 1;
  CHECK_FALSE(route.balance());
  route.lost = {0, 1, 0, 1};
  CHECK(route.balance());
}

TEST_CASE("ledger: publishing twice adds only what is new, and two intakes can share a cell",
          "[ledger]") {
  UrlCell cell;
  FrameCounts one, one_published, two, two_published;
  one.frames = 5;
  one.rejected[3] = 2;
  cell.publish(one, one_published);
  cell.publish(one, one_published);
  two.frames = 7;
  cell.publish(two, two_published);
  one.frames = 6;
  cell.publish(one, one_published);
  CHECK(cell.frames.get() == 13);
  CHECK(cell.rejected[3].get() == 2);
}

TEST_CASE("ledger: every reason has a name of its own", "[ledger]") {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kConnectionEndCount; ++i)
    names.insert(to_string(static_cast<ConnectionEnd>(i)));
  CHECK(names.size() == kConnectionEndCount);
  CHECK(names.count("") == 0);
  CHECK(to_string(ConnectionEnd::kUndelivered) == "undelivered");
  CHECK(to_string(ConnectionEnd::kResetByUs) == "reset_by_us");
  CHECK(to_string(RouteLoss::kQueueFull) == "queue_full");
  CHECK(to_string(RouteLoss::kAbandoned) == "abandoned");
}
