#include "server/commands/send/pacer.h"

#include <catch2/catch.hpp>

using namespace penstock;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("pacer: rate 0 is no limit", "[send][pacer]") {
  Pacer pacer(0, 5);
  CHECK(pacer.quota(5, 1'000'000'000) == Pacer::kNoLimit);
  CHECK(pacer.due_ns(1'000) == 5);
}

TEST_CASE("pacer: a sender that wakes when told keeps the rate, never more than a burst ahead",
          "[send][pacer]") {
  const double rate = GENERATE(0.5, 1.0, 10.0, 3'999.0, 4'000.0, 1e5, 1e6, 1e9);
  CAPTURE(rate);
  const std::int64_t start = 123'456'789;
  Pacer pacer(rate, start);
  const std::uint64_t burst = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rate * 250e-6));
  std::int64_t now = start;
  std::uint64_t sent = 0;
  for (int step = 0; step < 10'000; ++step) {
    const std::uint64_t quota = pacer.quota(now, sent);
    REQUIRE(quota > 0);
    sent += quota;
    const double due = static_cast<double>(now - start) / 1e9 * rate;
    REQUIRE(static_cast<double>(sent) >= due);
    REQUIRE(static_cast<double>(sent) <= due + static_cast<double>(burst) + 1);
    const std::int64_t next = pacer.due_ns(sent);
    REQUIRE(next > now);
    REQUIRE(pacer.quota(next - 1, sent) == 0);
    now = next;
  }
}

TEST_CASE("pacer: up to 100 ms late is made up, more is not", "[send][pacer]") {
  Pacer pacer(1'000, 0);
  CHECK(pacer.quota(0, 0) == 1);
  CHECK(pacer.quota(50'000'000, 1) == 50);    // 50 are due by now, one is sent, one is the burst
  CHECK(pacer.quota(10 * kSecond, 51) == 1);  // the schedule begins anew
  CHECK(pacer.quota(10 * kSecond, 52) == 0);
  CHECK(pacer.due_ns(52) == 10 * kSecond + 1'000'000);
}
