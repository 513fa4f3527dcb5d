#include "protocols/core/local_zone.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <string>
#include <thread>

using namespace penstock;

namespace {

constexpr CivilTime kWinter{.year = 2026, .month = 1, .day = 15, .hour = 12};
constexpr CivilTime kSummer{.year = 2026, .month = 7, .day = 15, .hour = 12};

std::int64_t utc(CivilTime time) {
  std::int64_t ns = 0;
  REQUIRE(to_nanoseconds(time, ns));
  return ns;
}

/// In a thread of its own, which has remembered nothing of another zone.
std::int32_t offset_in(const std::string& zone, const CivilTime& time, const CivilTime& near) {
  const char* set = std::getenv("TZ");
  const std::string before = set == nullptr ? "" : set;
  ::setenv("TZ", zone.c_str(), 1);
  ::tzset();
  std::int32_t offset = 0;
  const std::int64_t near_ns = utc(near);
  std::thread([&] { offset = local_offset_s(time, near_ns); }).join();
  set == nullptr ? ::unsetenv("TZ") : ::setenv("TZ", before.c_str(), 1);
  ::tzset();
  return offset;
}

// POSIX.1-2017 8.3: no zone files are needed. The clock goes forward at 01:00 UTC on 2026-03-29, back on 2026-10-25.
const std::string kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

}  // namespace

TEST_CASE("local zone: the offset of the time itself, whatever holds now", "[core]") {
  for (const CivilTime& near : {kWinter, kSummer}) {
    CHECK(offset_in(kBerlin, kWinter, near) == 3600);
    CHECK(offset_in(kBerlin, kSummer, near) == 7200);
    CHECK(offset_in("UTC0", kSummer, near) == 0);
    CHECK(offset_in("IST-5:30", kSummer, near) == 19800);
    CHECK(offset_in("NST3:30", kSummer, near) == -12600);
  }
  CHECK(offset_in(kBerlin, {.year = 1969, .month = 1, .day = 1}, kSummer) == 3600);
}

TEST_CASE("local zone: of a time that is twice, the one that fits what holds now", "[core]") {
  const CivilTime twice{.year = 2026, .month = 10, .day = 25, .hour = 2, .minute = 30};
  CHECK(offset_in(kBerlin, twice,
                  {.year = 2026, .month = 10, .day = 25, .hour = 0, .minute = 31}) == 7200);
  CHECK(offset_in(kBerlin, twice,
                  {.year = 2026, .month = 10, .day = 25, .hour = 1, .minute = 31}) == 3600);
}

TEST_CASE("local zone: a time that is left out", "[core]") {
  const CivilTime none{.year = 2026, .month = 3, .day = 29, .hour = 2, .minute = 30};
  CHECK(offset_in(kBerlin, none, kWinter) == 3600);
  CHECK(offset_in(kBerlin, none, kSummer) == 3600);
}

TEST_CASE("local zone: no such time has no offset", "[core]") {
  CHECK(offset_in(kBerlin, {.year = 2026, .month = 2, .day = 30}, kWinter) == 0);
}
