#include "server/sinks/record_template.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>

#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;

namespace {

const Origin kOrigin{.listener = "in", .url = "tcp://127.0.0.1:5514"};
constexpr std::int64_t kTime = 1'764'037'518'123'456'789;  // 2025-11-25T02:25:18Z

std::string rendered(std::string_view text, const Batch& batch) {
  const auto parsed = RecordTemplate::parse(text, config::TimeZone::kUtc);
  REQUIRE(parsed.has_value());
  std::string out = "=";
  parsed->append(batch, batch.segments.front(), 0, out);
  return out;
}

}  // namespace

TEST_CASE("a template is filled from origin, peer, time and event", "[template]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", "="},
      {"logs", "=logs"},
      {"a{{b}}%%/", "=a{b}%/"},
      {"{listener}.{scheme}", "=in.tcp"},
      {"{url}", "=tcp://127.0.0.1:5514"},
      {"{peer}", "=192.0.2.1"},
      {"logs-%Y-%m-%d", "=logs-2025-11-25"},
      {"%s", "=1764037518"},
      {"{field:host}/{field:severity}", "=web 1/3"},
      {"{field:user}", "=ann"},
      {"{field:nothing}", "="},
      {"{field:fields}", "="},
  }));
  CAPTURE(text);
  test::EventBatch events(kOrigin, test::inet_peer(192, 0, 2, 1), kTime);
  events.event(EventShape::kLog, [](FieldWriter& fields) {
    fields.string(Field::kHost, "web 1");
    fields.integer(Field::kSeverity, 3);
    const auto map = fields.begin_map(Field::kFields);
    fields.string(std::string_view("user"), "ann");
    fields.end(map);
  });
  CHECK(rendered(text, events.batch()) == expected);
}

TEST_CASE("a record without an event has no fields", "[template]") {
  test::EventBatch events(kOrigin, test::inet_peer(192, 0, 2, 1), kTime);
  events.record("bytes");
  CHECK(rendered("{field:host}", events.batch()) == "=");
}

TEST_CASE("only templates with fields look at each record", "[template]") {
  CHECK(RecordTemplate::parse("{field:host}", config::TimeZone::kUtc)->by_record());
  CHECK_FALSE(RecordTemplate::parse("{peer}%Y", config::TimeZone::kUtc)->by_record());
}

TEST_CASE("what is wrong with a template is told, with what would be right", "[template]") {
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"{host}",
       "unknown placeholder \"{host}\", expected {listener}, {peer}, {url}, {scheme} or "
       "{field:NAME}"},
      {"{field:}",
       "unknown placeholder \"{field:}\", expected {listener}, {peer}, {url}, {scheme} or "
       "{field:NAME}"},
      {"{peer", "\"{\" without \"}\" (write {{ for the character itself)"},
  }));
  const auto parsed = RecordTemplate::parse(text, config::TimeZone::kUtc);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().message == problem);
}
