#include "server/pipeline/histogram.h"

#include <catch2/catch.hpp>

using namespace penstock;

TEST_CASE("histogram: a bound is in its own bucket, what is larger than all in the last",
          "[ledger]") {
  Histogram histogram(kCountBounds);
  histogram.add(0);
  histogram.add(1);
  histogram.add(2, 3);
  histogram.add(kCountBounds.back());
  histogram.add(kCountBounds.back() + 1);
  const HistogramTotals totals = histogram.totals();
  CHECK(totals.counts.size() == kCountBounds.size() + 1);
  CHECK(totals.counts.front() == 2);
  CHECK(totals.counts[1] == 3);
  CHECK(totals.counts[kCountBounds.size() - 1] == 1);
  CHECK(totals.counts.back() == 1);
  CHECK(totals.count == 7);
  CHECK(totals.sum == 7 + 2 * static_cast<double>(kCountBounds.back()) + 1);
}

TEST_CASE("histogram: all bounds rise and fit", "[ledger]") {
  const std::span<const std::uint64_t> bounds = GENERATE(
      std::span<const std::uint64_t>(kDelayBounds), std::span<const std::uint64_t>(kTurnBounds),
      std::span<const std::uint64_t>(kCountBounds), std::span<const std::uint64_t>(kByteBounds));
  REQUIRE(bounds.size() <= Histogram::kMaxBounds);
  for (std::size_t at = 1; at < bounds.size(); ++at) CHECK(bounds[at - 1] < bounds[at]);
}

TEST_CASE("histogram: totals are added up", "[ledger]") {
  Histogram one(kTurnBounds), two(kTurnBounds);
  one.add(1);
  two.add(1);
  two.add(10'000'000'000);
  HistogramTotals sum;
  sum += one.totals();
  sum += two.totals();
  CHECK(sum.count == 3);
  CHECK(sum.counts.front() == 2);
  CHECK(sum.counts.back() == 1);
}
