#include "server/commands/top/units.h"

#include <catch2/catch.hpp>

using namespace penstock;

TEST_CASE("top: numbers take five characters at most, whatever their size", "[top]") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(-1) == "0");
  CHECK(short_number(7) == "7");
  CHECK(short_number(7.25) == "7.2");
  CHECK(short_number(999) == "999");
  CHECK(short_number(999.7) == "1.0k");
  CHECK(short_number(60'123) == "60k");
  CHECK(short_number(1e18) == "1000P");
  CHECK(short_bytes(1024) == "1.0K");
  CHECK(short_bytes(1536) == "1.5K");
  CHECK(short_bytes(8.0 * (1 << 20)) == "8.0M");
  for (double number = 0.1; number < 1e17; number *= 1.7) {
    CAPTURE(number);
    CHECK(short_number(number).size() <= 4);
    CHECK(short_bytes(number).size() <= 4);
  }
}

TEST_CASE("top: times take five characters at most", "[top]") {
  CHECK(short_time(-3) == "0.0s");
  CHECK(short_time(0.25) == "0.2s");
  CHECK(short_time(59.9) == "59s");
  CHECK(short_time(100) == "1m");
  CHECK(short_time(11'520) == "3h12m");
  CHECK(short_time(86'400.0 * 45) == "45d");
  for (double seconds = 0.01; seconds < 1e8; seconds *= 1.3) CHECK(short_time(seconds).size() <= 5);
}
