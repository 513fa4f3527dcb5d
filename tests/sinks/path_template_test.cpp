#include "server/sinks/path_template.h"

#include <catch2/catch.hpp>

#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "tests/sinks/batches.h"
#include "tests/support/variable.h"

using namespace penstock;

namespace {

constexpr std::int64_t kTime = 1'700'000'009;  // 2023-11-14 22:13:29 UTC, a Tuesday

Segment segment_of(const Origin& origin, const Peer& peer = {}) {
  return {.origin = &origin, .peer = peer, .time_ns = kTime * 1'000'000'000};
}

std::string rendered(std::string_view text, const Origin& origin, const Peer& peer = {}) {
  const auto path = PathTemplate::parse(text, config::TimeZone::kUtc);
  REQUIRE(path.has_value());
  return path->render(segment_of(origin, peer), path->time_text(kTime));
}

/// The machine's time zone for the life of the object.
class Zone {
 public:
  explicit Zone(const std::string& name) : variable_(std::in_place, "TZ", name) { ::tzset(); }
  ~Zone() {
    variable_.reset();
    ::tzset();
  }

 private:
  std::optional<test::Variable> variable_;
};

}  // namespace

TEST_CASE("path template: placeholders and conversions", "[sinks][path]") {
  const Origin origin{"syslog", "tcp://127.0.0.1:5514"};
  const Peer peer = test::inet_peer(192, 0, 2, 7);
  auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"data/out.log", "data/out.log"},
      {"data/{listener}.log", "data/syslog.log"},
      {"data/{peer}.log", "data/192.0.2.7.log"},
      {"data/{scheme}/{url}", "data/tcp/tcp:%2F%2F127.0.0.1:5514"},
      {"%Y-%m-%d/%H:%M:%S", "2023-11-14/22:13:29"},
      {"%F_%T.log", "2023-11-14_22:13:29.log"},
      {"%s", "1700000009"},
      {"%Z%z", "UTC+0000"},
      {"%-H.%j.%a.%b", "22.318.Tue.Nov"},
      {"100%%.log", "100%.log"},
      {"%%Y", "%Y"},
      {"{{listener}}", "{listener}"},
      {"äöü/日本-%Y-{listener}-é", "äöü/日本-2023-syslog-é"},
      {"{listener}{listener}", "syslogsyslog"},
  }));
  CAPTURE(text);
  CHECK(rendered(text, origin, peer) == expected);
}

TEST_CASE("path template: mistakes are named", "[sinks][path]") {
  auto [text, words] = GENERATE(table<std::string, std::string>({
      {"", "missing"},
      {"data/", "directory"},
      {"data/{host}.log", "{host}"},
      {"data/{}.log", "{}"},
      {"data/{peer", "without \"}\""},
      {"data/peer}", "without \"{\""},
      {"data/%Q.log", "%Q"},
      {"data/%n.log", "%n"},
      {"data/50%", "\"%\""},
      {std::string("a\0b", 3), "NUL"},
  }));
  CAPTURE(text);
  const auto path = PathTemplate::parse(text, config::TimeZone::kUtc);
  REQUIRE_FALSE(path.has_value());
  CHECK_THAT(path.error().message, Catch::Contains(words));
}

TEST_CASE("path template: the base directory is the longest literal one", "[sinks][path]") {
  auto [text, base] = GENERATE(table<std::string, std::string>({
      {"data/out.log", "data"},
      {"out.log", "."},
      {"/out.log", "/"},
      {"/var/log/x/{peer}/a.log", "/var/log/x"},
      {"/var/log/x-{peer}/a.log", "/var/log"},
      {"{peer}/a.log", "."},
      {"%Y/a.log", "."},
      {"a%%b/c", "a%b"},
  }));
  CAPTURE(text);
  CHECK(PathTemplate::parse(text, config::TimeZone::kUtc)->base_directory() == base);
}

TEST_CASE("path value: nothing from outside leaves its directory", "[sinks][path]") {
  auto [value, expected] = GENERATE(table<std::string, std::string>({
      {"", "_"},
      {".", "%2E"},
      {"..", "%2E."},
      {"../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"},
      {"a..b", "a..b"},
      {"a/b", "a%2Fb"},
      {"2001:db8::1", "2001:db8::1"},
      {"100%", "100%25"},
      {"{peer}%Y", "%7Bpeer%7D%25Y"},
      {"a\nb\\", "a%0Ab%5C"},
      {std::string("a\0b", 3), "a%00b"},
      {"é", "%C3%A9"},
      {"~x y", "%7Ex%20y"},
  }));
  CAPTURE(value);
  CHECK(path_value(value) == expected);
}

TEST_CASE("path value: long ones are cut to 128 bytes and stay different", "[sinks][path]") {
  CHECK(path_value(std::string(128, 'a')) == std::string(128, 'a'));
  for (std::size_t slashes = 0; slashes < 6; ++slashes) {
    const std::string head = std::string(107 + slashes, 'a') + std::string(20, '/');
    const std::string one = path_value(head + "one"), two = path_value(head + "two");
    CHECK(one.size() <= 128);
    CHECK(one.size() > 120);
    CHECK(one != two);
    for (std::size_t at = one.find('%'); at != std::string::npos; at = one.find('%', at + 1)) {
      CHECK(one.substr(at, 3) == "%2F");
    }
  }
}

TEST_CASE("path template: a file name over 255 bytes is shortened, the rest of the path stays",
          "[sinks][path]") {
  const Origin origin{std::string(120, 'l'), "unix://" + std::string(110, 'u')};
  const std::string path = rendered("d/{listener}-{url}-{listener}/{peer}.log", origin);
  const std::size_t slash = path.find('/', 2);
  CHECK(path.substr(0, 2) == "d/");
  CHECK(slash - 2 == 255);
  CHECK(path.substr(slash) == "/unknown.log");
}

TEST_CASE("path template: local time follows the zone through its changes", "[sinks][path]") {
  const Zone zone("CET-1CEST,M3.5.0,M10.5.0/3");
  const auto path = PathTemplate::parse("%Y-%m-%d %H:%M %Z", config::TimeZone::kLocal);
  const Origin origin;
  const auto at = [&](std::int64_t time) {
    return path->render(segment_of(origin), path->time_text(time));
  };
  CHECK(at(1'711'846'799) == "2024-03-31 01:59 CET");
  CHECK(at(1'711'846'800) == "2024-03-31 03:00 CEST");
  CHECK(at(1'719'784'800) == "2024-07-01 00:00 CEST");
  CHECK(at(1'719'784'799) == "2024-06-30 23:59 CEST");
}

TEST_CASE("path template: times before 1970 and at the leap day", "[sinks][path]") {
  const auto path = PathTemplate::parse("%F %T", config::TimeZone::kUtc);
  const Origin origin;
  const auto at = [&](std::int64_t time) {
    return path->render(segment_of(origin), path->time_text(time));
  };
  CHECK(at(-1) == "1969-12-31 23:59:59");
  CHECK(at(0) == "1970-01-01 00:00:00");
  CHECK(at(1'709'164'800) == "2024-02-29 00:00:00");
}
