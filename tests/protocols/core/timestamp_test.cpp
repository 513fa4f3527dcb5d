#include "protocols/core/timestamp.h"

#include <catch2/catch.hpp>

using namespace penstock;

TEST_CASE("to_nanoseconds: the calendar, and its ends", "[timestamp]") {
  std::int64_t ns = 0;
  CHECK(to_nanoseconds({.year = 1970}, ns));
  CHECK(ns == 0);
  CHECK(to_nanoseconds({.year = 2000, .month = 2, .day = 29, .nanos = 5}, ns));
  CHECK(ns == 951'782'400'000'000'005);
  CHECK(to_nanoseconds({.year = 1970, .zone_offset_s = 3600}, ns));
  CHECK(ns == -3'600 * kNanosPerSecond);
  CHECK(to_nanoseconds(
      {.year = 2261, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 60}, ns));
  CHECK(to_nanoseconds({.year = 1678}, ns));
  CHECK(to_nanoseconds({.year = 1677, .month = 12, .day = 31}, ns));
  CHECK(to_nanoseconds({.year = 2262}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 1900, .month = 2, .day = 29}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 2000, .month = 13}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 2000, .month = 0}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 2000, .day = 0}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 2000, .hour = 24}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 2000, .minute = 60}, ns));
  CHECK_FALSE(to_nanoseconds({.year = 2000, .second = 61}, ns));
}

TEST_CASE("RFC 3339: all that nanoseconds of 64 bits hold, and nothing beyond", "[timestamp]") {
  const auto [text, good, expected] = GENERATE(table<std::string, bool, std::int64_t>({
      {"2262-04-11T23:47:16.854775807Z", true, INT64_MAX},
      {"2262-04-11T23:47:16.854775Z", true, INT64_MAX - 807},
      {"2262-04-12T01:47:16.854775807+02:00", true, INT64_MAX},
      {"2262-04-11T23:47:16.854775808Z", false, 0},
      {"2262-04-11T23:47:17Z", false, 0},
      {"2262-12-31T23:59:60Z", false, 0},
      {"2263-01-01T00:00:00Z", false, 0},
      {"1677-09-21T00:12:43.145224192Z", true, INT64_MIN},
      {"1677-09-21T00:12:44Z", true, INT64_MIN + 854'775'808},
      {"1677-09-21T00:12:43.145224191Z", false, 0},
      {"1677-01-01T00:00:00Z", false, 0},
      {"1676-12-31T23:59:59Z", false, 0},
      {"1969-12-31T23:59:59.999999999Z", true, -1},
  }));
  CAPTURE(text);
  Scanner in(text);
  std::int64_t ns = 0;
  CHECK(!scan_rfc3339(in, ns) == good);
  if (good) CHECK(ns == expected);
}

TEST_CASE("RFC 3339: cut at each byte it is told where it ends", "[timestamp]") {
  const std::string_view time = "2003-10-11T22:14:15.003+02:00";
  std::int64_t ns = 0;
  for (std::size_t size = 0; size < time.size(); ++size) {
    CAPTURE(size);
    Scanner in(time.substr(0, size));
    const Problem problem = scan_rfc3339(in, ns);
    REQUIRE(problem);
    CHECK(problem.at <= size);
  }
  Scanner in(time);
  REQUIRE_FALSE(scan_rfc3339(in, ns));
  CHECK(ns == 1'065'903'255'003'000'000);
  CHECK(in.done());
}

TEST_CASE("RFC 3339: bytes above 0x7f are no digits", "[timestamp]") {
  std::int64_t ns = 0;
  Scanner in("\xd9\xa2\xd9\xa0\xd9\xa0\xd9\xa3-10-11T22:14:15Z");  // Arabic-Indic digits
  CHECK(to_string(scan_rfc3339(in, ns)) == "at byte 0: the date is not of the form 2003-10-11");
}

TEST_CASE("fraction: nine digits count, more are passed over", "[timestamp]") {
  const auto [text, good, nanos] = GENERATE(table<std::string, bool, unsigned>({
      {"", true, 0u},
      {".5", true, 500'000'000u},
      {".000000001", true, 1u},
      {".0000000019", true, 1u},
      {".", false, 0u},
      {".x", false, 0u},
  }));
  CAPTURE(text);
  Scanner in(text);
  unsigned value = 7;
  CHECK(scan_fraction(in, value) == good);
  if (good) CHECK(value == nanos);
}
