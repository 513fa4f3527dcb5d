#include "server/sinks/rotation_period.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

using namespace penstock;
using config::TimeZone;
using std::chrono::seconds;

namespace {

/// Sets TZ while it lives.
class Zone {
 public:
  explicit Zone(const char* name) {
    if (const char* before = std::getenv("TZ")) before_ = before;
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  Zone(const Zone&) = delete;
  Zone& operator=(const Zone&) = delete;
  ~Zone() {
    before_ ? ::setenv("TZ", before_->c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
  }

 private:
  std::optional<std::string> before_;
};

// Written out, so that the test needs no zone files: Berlin's rules.
constexpr const char* kBerlin = "CET-1CEST,M3.5.0,M10.5.0/3";

/// `2026-11-25 02:28:00` in UTC.
std::int64_t utc(const std::string& text) {
  std::tm calendar{};
  REQUIRE(::strptime(text.c_str(), "%Y-%m-%d %H:%M:%S", &calendar) != nullptr);
  return ::timegm(&calendar);
}

std::string local_text(std::int64_t second) {
  const auto time = static_cast<std::time_t>(second);
  std::tm calendar{};
  ::localtime_r(&time, &calendar);
  char text[64];
  return {text, std::strftime(text, sizeof text, "%a %F %T %Z", &calendar)};
}

/// The first `count` beginnings of periods after `from`, as local clocks show them.
std::vector<std::string> beginnings(seconds every, TimeZone zone, std::int64_t from, int count) {
  std::vector<std::string> texts;
  while (count-- > 0) {
    from = next_period(every, zone, from);
    texts.push_back(local_text(from));
  }
  return texts;
}

}  // namespace

TEST_CASE("rotation periods: aligned to the clock, in UTC", "[sinks][rotate]") {
  const auto [every, next] = GENERATE(table<int, std::string>({
      {60, "2026-11-25 02:29:00"},
      {300, "2026-11-25 02:30:00"},
      {3600, "2026-11-25 03:00:00"},
      {6 * 3600, "2026-11-25 06:00:00"},
      {86400, "2026-11-26 00:00:00"},
      {7 * 86400, "2026-11-30 00:00:00"},
  }));
  CAPTURE(every);
  const Zone berlin(kBerlin);  // does not matter
  CHECK(next_period(seconds(every), TimeZone::kUtc, utc("2026-11-25 02:28:03")) == utc(next));
  // What begins a period belongs to it.
  CHECK(next_period(seconds(every), TimeZone::kUtc, utc(next)) == utc(next) + every);
  CHECK(next_period(seconds(every), TimeZone::kUtc, utc(next) - 1) == utc(next));
}

TEST_CASE("rotation periods: local days where clocks are put forward and back", "[sinks][rotate]") {
  const Zone berlin(kBerlin);
  CHECK(beginnings(seconds(86400), TimeZone::kLocal, utc("2026-03-28 11:00:00"), 3) ==
        std::vector<std::string>{"Sun 2026-03-29 00:00:00 CET", "Mon 2026-03-30 00:00:00 CEST",
                                 "Tue 2026-03-31 00:00:00 CEST"});
  CHECK(beginnings(seconds(86400), TimeZone::kLocal, utc("2026-10-24 11:00:00"), 3) ==
        std::vector<std::string>{"Sun 2026-10-25 00:00:00 CEST", "Mon 2026-10-26 00:00:00 CET",
                                 "Tue 2026-10-27 00:00:00 CET"});
  CHECK(beginnings(seconds(7 * 86400), TimeZone::kLocal, utc("2026-10-24 11:00:00"), 2) ==
        std::vector<std::string>{"Mon 2026-10-26 00:00:00 CET", "Mon 2026-11-02 00:00:00 CET"});
}

TEST_CASE("rotation periods: the hour that comes twice is two hours, the one left out is none",
          "[sinks][rotate]") {
  const Zone berlin(kBerlin);
  CHECK(beginnings(seconds(3600), TimeZone::kLocal, utc("2026-10-24 23:30:00"), 4) ==
        std::vector<std::string>{"Sun 2026-10-25 02:00:00 CEST", "Sun 2026-10-25 02:00:00 CET",
                                 "Sun 2026-10-25 03:00:00 CET", "Sun 2026-10-25 04:00:00 CET"});
  CHECK(beginnings(seconds(3600), TimeZone::kLocal, utc("2026-03-29 00:10:00"), 2) ==
        std::vector<std::string>{"Sun 2026-03-29 03:00:00 CEST", "Sun 2026-03-29 04:00:00 CEST"});
  CHECK(beginnings(seconds(6 * 3600), TimeZone::kLocal, utc("2026-10-24 21:00:00"), 3) ==
        std::vector<std::string>{"Sun 2026-10-25 00:00:00 CEST", "Sun 2026-10-25 06:00:00 CET",
                                 "Sun 2026-10-25 12:00:00 CET"});
}

TEST_CASE("rotation periods: always go on, in any zone", "[sinks][rotate]") {
  const Zone zone(GENERATE("UTC0", kBerlin, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                           "<-04>4<-03>,M10.1.0/0,M3.4.0/0", "<+0545>-5:45"));
  const auto every = seconds(GENERATE(60, 900, 3600, 5400, 7200, 25200, 86400, 7 * 86400));
  std::int64_t at = utc("2026-02-20 07:07:07");
  for (int i = 0; i < 400; ++i) {
    const std::int64_t next = next_period(every, TimeZone::kLocal, at);
    REQUIRE(next > at);
    REQUIRE(next - at <= every.count() + 3600);
    at = next;
  }
}
