#include "server/admin/tap_rate.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using penstock::admin::TapRate;

namespace {

unsigned passing(TapRate& rate, std::chrono::nanoseconds now, unsigned offered) {
  unsigned passed = 0;
  for (unsigned i = 0; i < offered; ++i) passed += rate.allow(now);
  return passed;
}

}  // namespace

TEST_CASE("tap rate: a second's worth at once, then as time goes by", "[tap]") {
  const unsigned per_second = GENERATE(1u, 3u, 100u, 10'000u);
  CAPTURE(per_second);
  TapRate rate(per_second);
  CHECK(passing(rate, 5s, per_second * 3) == per_second);
  CHECK(passing(rate, 5s + 500ms, per_second) == per_second / 2);
  CHECK(passing(rate, 100s, per_second * 3) == per_second);
}

TEST_CASE("tap rate: under steady load they come evenly and never more than asked for", "[tap]") {
  TapRate rate(100);
  unsigned first_second = 0, passed = 0;
  for (auto now = 0ms; now < 10s; now += 1ms) {
    passed += passing(rate, now, 1000);
    if (now == 1s) first_second = passed;
  }
  CHECK(first_second <= 201);
  CHECK(passed <= 1100);
  CHECK(passed >= 1090);
}
