#include "protocols/core/utc_text.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

using namespace penstock;

TEST_CASE("UTC text: RFC 3339 with nanoseconds, always", "[time]") {
  const auto [time_ns, expected] = GENERATE(table<std::int64_t, std::string>({
      {0, "1970-01-01T00:00:00.000000000Z"},
      {1'795'548'633'123'456'789, "2026-11-24T19:30:33.123456789Z"},
      {951'827'696'000'000'001, "2000-02-29T12:34:56.000000001Z"},
      {1'709'251'199'999'999'999, "2024-02-29T23:59:59.999999999Z"},
      {4'102'444'800'000'000'000, "2100-01-01T00:00:00.000000000Z"},
      {-1, "1969-12-31T23:59:59.999999999Z"},
      {-1'000'000'000, "1969-12-31T23:59:59.000000000Z"},
      {INT64_MAX, "2262-04-11T23:47:16.854775807Z"},
      {INT64_MIN, "1677-09-21T00:12:43.145224192Z"},
  }));
  std::string text(kUtcTextBytes + 1, '#');
  write_utc(time_ns, text.data());
  CHECK(text == expected + '#');
}
