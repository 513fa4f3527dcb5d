#include "protocols/core/decimal.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

using namespace penstock;

TEST_CASE("decimal: integers keep their 64 bits, the rest are doubles", "[decimal]") {
  Decimal value;
  for (const auto& [text, integer] : {std::pair<std::string, std::int64_t>{"0", 0},
                                      {"-0", 0},
                                      {"+12", 12},
                                      {"007", 7},
                                      {"999999999999999999", 999999999999999999},
                                      {"9223372036854775807", INT64_MAX},
                                      {"+9223372036854775807", INT64_MAX},
                                      {"-9223372036854775808", INT64_MIN},
                                      {"00000000000000000000000001", 1}}) {
    CAPTURE(text);
    REQUIRE(parse_decimal(text, value));
    CHECK(value.kind == Decimal::Kind::kInteger);
    CHECK(value.integer == integer);
  }
  for (const auto& [text, integer] :
       {std::pair<std::string, std::uint64_t>{"9223372036854775808", std::uint64_t{1} << 63},
        {"+18446744073709551615", UINT64_MAX}}) {
    CAPTURE(text);
    REQUIRE(parse_decimal(text, value));
    CHECK(value.kind == Decimal::Kind::kUnsigned);
    CHECK(value.unsigned_integer == integer);
    CHECK(value.as_real() == static_cast<double>(integer));
  }
  for (const auto& [text, real] : {std::pair<std::string, double>{"1.5", 1.5},
                                   {"-.25", -.25},
                                   {"3.", 3},
                                   {"+1e3", 1000},
                                   {"1E-2", 0.01},
                                   {"0.1", 0.1},
                                   {"-0.0", -0.0},
                                   {"18446744073709551616", 18446744073709551616.0},
                                   {"-9223372036854775809", -9223372036854775809.0},
                                   {"1.7976931348623157e308", std::numeric_limits<double>::max()},
                                   {"1e-400", 0},
                                   {"0." + std::string(400, '0') + "1", 0},
                                   {"1" + std::string(400, '0') + "e-400", 1}}) {
    CAPTURE(text);
    REQUIRE(parse_decimal(text, value));
    CHECK(value.kind == Decimal::Kind::kReal);
    CHECK(value.real == real);
    CHECK(value.as_real() == real);
  }
}

TEST_CASE("decimal: anything else is no number", "[decimal]") {
  const std::string text =
      GENERATE(as<std::string>{}, "", "+", "-", ".", "-.", "e5", "1e", "1e+", "1e5.0", "1.2.3",
               "1 ", " 1", "--1", "+-1", "0x10", "nan", "NaN", "inf", "-Infinity", "1_000", "1,5",
               "1e999", "-1e999", "1e99999999999999999999", "\xd9\xa1", "1\xd9\xa1");
  CAPTURE(text);
  Decimal value;
  CHECK_FALSE(parse_decimal(text, value));
  CHECK_FALSE(parse_decimal(std::string(400, '9') + ".0e1", value));
}

TEST_CASE("epoch seconds: exact to the nanosecond", "[decimal]") {
  std::int64_t ns = 0;
  REQUIRE(parse_epoch_seconds("1700000000", ns));
  CHECK(ns == 1'700'000'000'000'000'000);
  REQUIRE(parse_epoch_seconds("1700000000.123456789999", ns));
  CHECK(ns == 1'700'000'000'123'456'789);
  REQUIRE(parse_epoch_seconds("0.5", ns));
  CHECK(ns == 500'000'000);
  for (const char* text :
       {"", "-1", "+1", "1.", ".5", "1e9", "9223372036", "9999999999999999999", "1 ", "N"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_epoch_seconds(text, ns));
  }
}
