#include "server/pipeline/quarantine_format.h"

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

#include "protocols/core/frame.h"

using namespace penstock;

namespace {

QuarantineEntry sample() {
  QuarantineEntry entry;
  entry.time_ns = 1'795'548'633'123'456'789;
  entry.listener = "syslog";
  entry.url = "tcp://127.0.0.1:5514";
  entry.peer = "192.0.2.1:40000";
  entry.reason = "tail_reset";
  entry.bytes = "<base64>";
  return entry;
}

std::string without_lf(std::string line) {
  REQUIRE(line.back() == '\n');
  line.pop_back();
  REQUIRE(line.find('\n') == std::string::npos);
  return line;
}

QuarantineEntry round_trip(const QuarantineEntry& entry) {
  const Result<QuarantineEntry> back = parse_quarantine_line(without_lf(to_line(entry)));
  INFO((back ? "" : back.error().message));
  REQUIRE(back);
  return *back;
}

std::string with(const std::string& find, const std::string& replacement) {
  std::string line = without_lf(to_line(sample()));
  const std::size_t at = line.find(find);
  REQUIRE(at != std::string::npos);
  return line.replace(at, find.size(), replacement);
}

}  // namespace

TEST_CASE("quarantine line: members in the documented order, sink and flags only where set",
          "[quarantine]") {
  QuarantineEntry entry = sample();
  CHECK(
      to_line(entry) ==
      R"({"time":"2026-11-24T19:30:33.123456789Z","listener":"syslog","url":"tcp://127.0.0.1:5514",)"
      R"("peer":"192.0.2.1:40000","reason":"tail_reset","bytes":"PGJhc2U2ND4="})"
      "\n");
  entry.sink = "archive";
  entry.flags = kFrameTruncated | kFramePartial;
  CHECK(
      to_line(entry) ==
      R"({"time":"2026-11-24T19:30:33.123456789Z","listener":"syslog","url":"tcp://127.0.0.1:5514",)"
      R"("peer":"192.0.2.1:40000","reason":"tail_reset","sink":"archive","flags":["truncated","partial"],)"
      R"("bytes":"PGJhc2U2ND4="})"
      "\n");
}

TEST_CASE("quarantine line: any flags and any bytes come back as they went", "[quarantine]") {
  QuarantineEntry entry = sample();
  entry.flags = static_cast<std::uint8_t>(GENERATE(0, 1, 2, 3));
  entry.sink = GENERATE("", "archive");
  entry.bytes.clear();
  for (int i = 0; i < 1000; ++i) entry.bytes.push_back(static_cast<char>(i));
  CHECK(round_trip(entry) == entry);
  entry.bytes.clear();
  CHECK(round_trip(entry) == entry);
}

TEST_CASE("quarantine line: names with quotes, control bytes and NUL come back as they went",
          "[quarantine]") {
  QuarantineEntry entry = sample();
  entry.listener = "a \"b\" \\ \n\r\t\x01\x7f";
  entry.peer = std::string("nul\0inside", 10);
  entry.url = "unix:///tmp/caf\xc3\xa9/\xf0\x9f\x90\x9f";
  CHECK(round_trip(entry) == entry);
}

TEST_CASE("quarantine line: invalid UTF-8 in a name becomes U+FFFD", "[quarantine]") {
  const auto [name, expected] = GENERATE(table<std::string, std::string>({
      {"\xff", "\xef\xbf\xbd"},
      {"a\xc3", "a\xef\xbf\xbd"},
      {"\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xe2\x82z", "\xef\xbf\xbdz"},
      {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
  }));
  QuarantineEntry entry = sample();
  entry.url = name;
  CHECK(round_trip(entry).url == expected);
}

TEST_CASE("quarantine line: times before 1970 and at the ends of the range", "[quarantine]") {
  QuarantineEntry entry = sample();
  entry.time_ns =
      GENERATE(std::int64_t{0}, std::int64_t{-1}, std::int64_t{-1'000'000'000},
               std::int64_t{999'999'999}, std::int64_t{951'782'400'000'000'000},  // 2000-02-29
               std::int64_t{9'000'000'000'000'000'000}, std::int64_t{-9'000'000'000'000'000'000});
  CHECK(round_trip(entry).time_ns == entry.time_ns);
}

TEST_CASE("quarantine line: what is wrong is said", "[quarantine]") {
  const auto [line, message] = GENERATE(table<std::string, std::string>({
      {"", "not JSON at column 1"},
      {"{", "not JSON at column 2"},
      {"[]", "no JSON object"},
      {"null", "no JSON object"},
      {with("\"bytes\"", "\"octets\""), "no member \"bytes\""},
      {with("\"peer\"", "\"poor\""), "no member \"peer\""},
      {with("\"time\"", "\"tome\""), "no member \"time\""},
      {with("\"syslog\"", "7"), "\"listener\" is no string"},
      {with("2026-11-24", "2026-02-30"), "\"time\" is not of the form"},
      {with("19:30:33", "24:00:00"), "\"time\" is not of the form"},
      {with("T19", " 19"), "\"time\" is not of the form"},
      {with("33.123456789Z", "33Z"), "\"time\" is not of the form"},
      {with("2026", "9999"), "\"time\" is not of the form"},
      {with("2026", "+026"), "\"time\" is not of the form"},
      {with("PGJhc2U2ND4=", "PGJhc2U2ND4"), "\"bytes\": base64: length 11 is no multiple of 4"},
      {with("PGJhc2U2ND4=", "PGJh*2U2ND4="), "\"bytes\": base64: invalid character at offset 4"},
      {with("\"bytes\"", "\"flags\":\"partial\",\"bytes\""), "\"flags\" is no array"},
      {with("\"bytes\"", "\"flags\":[\"torn\"],\"bytes\""), "\"flags\" may hold"},
      {with("\"bytes\"", "\"flags\":[1],\"bytes\""), "\"flags\" may hold"},
      {with("\"bytes\"", "\"sink\":null,\"bytes\""), "\"sink\" is no string"},
      {with("syslog", "\xff"), "not JSON at column"},
      {with("}", "} x"), "not JSON at column"},
      {with("}", ""), "not JSON at column"},
      {std::string(1'000'000, '['), "not JSON at column"},
  }));
  CAPTURE(line.substr(0, 200));
  const Result<QuarantineEntry> entry = parse_quarantine_line(line);
  REQUIRE_FALSE(entry);
  CHECK_THAT(entry.error().message, Catch::StartsWith("quarantine line: " + message));
}

TEST_CASE("quarantine line: members of a later version are passed over", "[quarantine]") {
  const Result<QuarantineEntry> entry =
      parse_quarantine_line(with("\"bytes\"", R"("new":{"deep":[1,2]},"bytes")"));
  REQUIRE(entry);
  CHECK(*entry == sample());
}
