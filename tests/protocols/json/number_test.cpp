#include "protocols/json/number.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>

using namespace penstock;

namespace {

FieldValue read(std::string_view text) {
  FieldValue value;
  std::size_t at = 0;
  CAPTURE(text);
  REQUIRE(read_json_number(text, value, at));
  return value;
}

}  // namespace

TEST_CASE("json number: integers of 64 bits keep their value", "[json]") {
  const auto [text, integer] = GENERATE(table<std::string, std::int64_t>({
      {"0", 0},
      {"7", 7},
      {"-1", -1},
      {"9007199254740993", 9007199254740993},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
  }));
  const FieldValue value = read(text);
  CHECK(value.type == FieldType::kInt64);
  CHECK(value.integer == integer);
}

TEST_CASE("json number: above them 64 bits without a sign", "[json]") {
  const auto [text, integer] = GENERATE(table<std::string, std::uint64_t>({
      {"9223372036854775808", std::uint64_t{1} << 63},
      {"18446744073709551615", UINT64_MAX},
  }));
  const FieldValue value = read(text);
  CHECK(value.type == FieldType::kUint64);
  CHECK(value.unsigned_integer == integer);
}

TEST_CASE("json number: what a double gives back is one", "[json]") {
  const auto [text, real] = GENERATE(table<std::string, double>({
      {"1.0", 1.0},
      {"0.1", 0.1},
      {"-2.50", -2.5},
      {"1e3", 1000.0},
      {"1E+3", 1000.0},
      {"10.0e-1", 1.0},
      {"0.0", 0.0},
      {"0e999999", 0.0},
      {"1.000000000000000000000000", 1.0},
      {"0.30000000000000004", 0.30000000000000004},
      {"1385053862.3072", 1385053862.3072},
      {"1.7976931348623157e308", std::numeric_limits<double>::max()},
      {"5e-324", std::numeric_limits<double>::denorm_min()},
      {"123456789012345e30", 123456789012345e30},
  }));
  const FieldValue value = read(text);
  CHECK(value.type == FieldType::kDouble);
  CHECK(value.real == real);
}

TEST_CASE("json number: minus zero keeps its sign", "[json]") {
  const auto text = GENERATE(as<std::string>(), "-0", "-0.0", "-0e5");
  const FieldValue value = read(text);
  CHECK(value.type == FieldType::kDouble);
  CHECK(std::signbit(value.real));
}

TEST_CASE("json number: what nothing else holds exactly stays text", "[json]") {
  const auto text = GENERATE(as<std::string>(), "12345678901234567890123", "18446744073709551616",
                             "-9223372036854775809", "100000000000000000000000", "1e400", "-1e400",
                             "1e-400", "3e-324", "0.1234567890123456789", "9007199254740993.0",
                             "1e99999999999999999999", "1.00000000000000000000000001");
  const FieldValue value = read(text);
  CHECK(value.type == FieldType::kNumber);
  CHECK(value.text == text);
}

TEST_CASE("json number: what is none, and where it goes wrong", "[json]") {
  const auto [text, where] = GENERATE(table<std::string, std::size_t>({
      {"-", 1},
      {"01", 1},
      {"-01", 2},
      {"1.", 2},
      {".5", 0},
      {"1.e5", 2},
      {"1e", 2},
      {"1e+", 3},
      {"1x", 1},
      {"1 2", 1},
      {"+1", 0},
      {"0x10", 1},
      {"1_000", 1},
      {"1,5", 1},
  }));
  CAPTURE(text);
  FieldValue value;
  std::size_t at = 99;
  CHECK_FALSE(read_json_number(text, value, at));
  CHECK(at == where);
}
