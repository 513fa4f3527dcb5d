#include "protocols/core/epoch.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

using namespace penstock;

TEST_CASE("epoch: seconds are exact to the nanosecond", "[time]") {
  const auto [text, ns] = GENERATE(table<std::string, std::int64_t>({
      {"0", 0},
      {"1", 1'000'000'000},
      {"-1", -1'000'000'000},
      {"-0.5", -500'000'000},
      {"1385053862.3072", 1385053862'307200000},
      {"1385053862.123456789", 1385053862'123456789},
      {"1385053862.1234567899", 1385053862'123456789},
      {"1385053862.", 1385053862'000000000},
      {"1.5e9", 1'500'000'000'000'000'000},
      {"1.700000000123E9", 1'700'000'000'123'000'000},
      {"-1.700000000123456789e+09", -1'700'000'000'123'456'789},
      {"17000000001234567.89E-7", 1'700'000'000'123'456'789},
      {"0.00000000017000000001e19", 1'700'000'000'100'000'000},
      {"1e-9", 1},
      {"1e-10", 0},
      {"0e999999999999", 0},
      {"1e-999999999999", 0},
      {"0.00000000000000000000000000000000001", 0},
      {"9223372036.854775807", INT64_MAX},
  }));
  CAPTURE(text);
  std::int64_t got = 7;
  CHECK(epoch_seconds(text, got));
  CHECK(got == ns);
}

TEST_CASE("epoch: what is no time", "[time]") {
  const auto text =
      GENERATE(as<std::string>(), "", "-", "x", "1x", "1 ", " 1", "1.5.6", "nan", "inf", "1e30",
               "1e", "1e+", "1e5x", "1e999999999999", "9223372037", "99999999999999999999999");
  CAPTURE(text);
  std::int64_t got = 7;
  CHECK_FALSE(epoch_seconds(text, got));
  CHECK(got == 7);
}

TEST_CASE("epoch: the size tells the unit", "[time]") {
  const auto text = GENERATE(as<std::string>(), "1531171074.631", "1531171074631",
                             "1531171074631000", "1531171074631000000", "1.531171074631E12");
  CAPTURE(text);
  std::int64_t got = 0;
  CHECK(epoch_of_any_unit(text, got));
  CHECK(got == 1531171074'631000000);
  CHECK_FALSE(epoch_of_any_unit("noon", got));
}

TEST_CASE("epoch: the size tells the unit of integers and doubles", "[time]") {
  const auto count = GENERATE(as<std::int64_t>(), 1531171074, 1531171074000, 1531171074000000,
                              1531171074000000000);
  std::int64_t got = 0;
  CHECK(epoch_of_any_unit(count, got));
  CHECK(got == 1531171074'000000000);
  CHECK(epoch_of_any_unit(-static_cast<double>(count), got));
  CHECK(got == -1531171074'000000000);
  CHECK(epoch_of_any_unit(1531171074631.25, got));
  CHECK(got == 1531171074'631250000);
  CHECK(epoch_of_any_unit(1531171074.5, got));
  CHECK(got == 1531171074'500000000);
  CHECK_FALSE(epoch_of_any_unit(std::int64_t{50'000'000'000}, got));  // seconds beyond 2262
  CHECK_FALSE(epoch_of_any_unit(1e19, got));
  CHECK_FALSE(epoch_of_any_unit(std::numeric_limits<double>::quiet_NaN(), got));
}
