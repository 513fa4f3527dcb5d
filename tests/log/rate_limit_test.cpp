#include <catch2/catch.hpp>

#include "server/log/log.h"

using penstock::log::RateLimit;

TEST_CASE("a rate limit lets a burst through and tells later what it held back", "[log]") {
  RateLimit limit(2, 1000);
  std::uint64_t suppressed = 99;
  CHECK(limit.allow(5000, suppressed));
  CHECK(suppressed == 0);
  CHECK(limit.allow(5999, suppressed));
  for (int i = 0; i < 7; ++i) CHECK_FALSE(limit.allow(5999, suppressed));
  CHECK(suppressed == 0);
  CHECK(limit.allow(6000, suppressed));
  CHECK(suppressed == 7);
  CHECK(limit.allow(6000, suppressed));
  CHECK(suppressed == 0);
  CHECK_FALSE(limit.allow(6001, suppressed));
  CHECK(limit.allow(1'000'000, suppressed));
  CHECK(suppressed == 1);
}

TEST_CASE("a rate limit starts with its first line, whatever the clock says", "[log]") {
  RateLimit limit(1, 10'000);
  std::uint64_t suppressed = 0;
  CHECK(limit.allow(-50'000, suppressed));
  CHECK_FALSE(limit.allow(-40'001, suppressed));
  CHECK(limit.allow(-40'000, suppressed));
  CHECK(suppressed == 1);
}

TEST_CASE("a rate limit with no burst holds everything back", "[log]") {
  RateLimit limit(0, 10);
  std::uint64_t suppressed = 0;
  CHECK_FALSE(limit.allow(0, suppressed));
  CHECK_FALSE(limit.allow(1000, suppressed));
}
