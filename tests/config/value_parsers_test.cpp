#include "server/config/value_parsers.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>

using namespace penstock::config;
using std::chrono::milliseconds;

TEST_CASE("durations: units and combinations in falling order", "[config]") {
  const auto [text, ms] = GENERATE(table<std::string, std::int64_t>({
      {"0", 0},
      {"0s", 0},
      {"500ms", 500},
      {"30s", 30'000},
      {"2m", 120'000},
      {"1h", 3'600'000},
      {"1m30s", 90'000},
      {"1h1m1s1ms", 3'661'001},
      {"1h5ms", 3'600'005},
      {"90m", 5'400'000},
      {"1d", 86'400'000},
      {"1d12h", 129'600'000},
      {"007s", 7000},
      {"9007199254740992ms", 9007199254740992},
  }));
  CAPTURE(text);
  REQUIRE(parse_duration(text));
  CHECK(parse_duration(text)->count() == ms);
}

TEST_CASE("durations: anything else is none", "[config]") {
  const std::string text = GENERATE(
      as<std::string>{}, "", "s", "30", "00", "30 s", " 30s", "30s ", "-1s", "+1s", "1.5s", "1S",
      "1sec", "30s1m", "1s1s", "1m2m", "1h1d", "1us", "s1", "1h-1m", "9007199254740993ms",
      "9223372036854775807h", "99999999999999999999s", "9007199254740992ms1ms");
  CAPTURE(text);
  CHECK_FALSE(parse_duration(text));
}

TEST_CASE("sizes: binary and decimal units", "[config]") {
  const auto [text, bytes] = GENERATE(table<std::string, std::int64_t>({
      {"0", 0},
      {"0B", 0},
      {"512B", 512},
      {"64KiB", 65536},
      {"1MiB", 1048576},
      {"2GiB", 2147483648},
      {"1TiB", 1099511627776},
      {"10KB", 10'000},
      {"10kB", 10'000},
      {"3MB", 3'000'000},
      {"1GB", 1'000'000'000},
      {"1TB", 1'000'000'000'000},
      {"8388607TiB", 8388607 * (std::int64_t{1} << 40)},
      {"9223372036854775807B", INT64_MAX},
  }));
  CAPTURE(text);
  REQUIRE(parse_size(text));
  CHECK(*parse_size(text) == bytes);
}

TEST_CASE("sizes: anything else is none", "[config]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "64", "KiB", "64 KiB", "64kib", "64K", "64k", "-1B", "+1B",
               "1.5MiB", "1MiB1KiB", "1MiBs", "8388608TiB", "9223372036854775808B", "0x10B");
  CAPTURE(text);
  CHECK_FALSE(parse_size(text));
}

TEST_CASE("modes are octal and stay within the permission bits", "[config]") {
  CHECK(parse_mode("0660") == 0660u);
  CHECK(parse_mode("660") == 0660u);
  CHECK(parse_mode("0") == 0u);
  CHECK(parse_mode("0777") == 0777u);
  const std::string text =
      GENERATE(as<std::string>{}, "", "0o660", "1777", "668", "rw-", "00660", "-660", "06 0");
  CAPTURE(text);
  CHECK_FALSE(parse_mode(text));
}

TEST_CASE("numbers are digits only and fit 64 bits", "[config]") {
  CHECK(parse_number("0") == 0);
  CHECK(parse_number("9223372036854775807") == INT64_MAX);
  const std::string text =
      GENERATE(as<std::string>{}, "", "-1", "+1", "1 ", " 1", "0x1", "1.0", "9223372036854775808");
  CAPTURE(text);
  CHECK_FALSE(parse_number(text));
}
