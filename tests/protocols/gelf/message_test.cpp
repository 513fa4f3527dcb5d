#include "protocols/gelf/message.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/events.h"

using namespace penstock;

namespace {

std::string read(const std::string& object) {
  FieldBuffer buffer;
  FieldWriter fields(buffer, object, EventShape::kLog);
  if (const Problem problem = gelf::parse_message(object, {}, fields)) return to_string(problem);
  const std::size_t at = fields.finish();
  return test::to_text(Event(buffer.data() + at, object));
}

}  // namespace

TEST_CASE("gelf: the specification's example", "[gelf]") {
  CHECK(read(R"({
  "version": "1.1",
  "host": "example.org",
  "short_message": "A short message that helps you identify what is going on",
  "full_message": "Backtrace here\n\nmore stuff",
  "timestamp": 1385053862.3072,
  "level": 1,
  "_user_id": 9001,
  "_some_info": "foo",
  "_some_env_var": "bar"
})") == R"({"timestamp":@1385053862307200000,"host":"example.org","severity":1,)"
        R"("message":"A short message that helps you identify what is going on",)"
        R"("full_message":"Backtrace here\x0a\x0amore stuff",)"
        R"("fields":{"user_id":9001,"some_info":"foo","some_env_var":"bar"}})");
}

TEST_CASE("gelf: what clients send beside the specification", "[gelf]") {
  const auto [object, event] = GENERATE(table<std::string, std::string>({
      {R"({"short_message":"m"})", R"({"message":"m"})"},
      {R"({"version":"1.0","message":"m","facility":"gelf","line":12,"file":"a.c"})",
       R"({"message":"m","fields":{"facility":"gelf","line":12,"file":"a.c"}})"},
      {R"({"message":"other","short_message":"m"})",
       R"({"message":"m","fields":{"message":"other"}})"},
      {R"({"full_message":"f"})", R"({"full_message":"f"})"},
      {R"({"short_message":"m","timestamp":"1385053862.3072","level":"6"})",
       R"({"timestamp":@1385053862307200000,"severity":6,"message":"m"})"},
      {R"({"short_message":"m","timestamp":1385053862})",
       R"({"timestamp":@1385053862000000000,"message":"m"})"},
      {R"({"short_message":"m","timestamp":"today","level":8,"host":7,"version":2})",
       R"({"message":"m","fields":{"timestamp":"today","level":8,"host":7,"version":2}})"},
      {R"({"short_message":"m","level":"info","timestamp":null})",
       R"({"message":"m","fields":{"level":"info","timestamp":null}})"},
      {R"({"short_message":"m","_id":"x","_":1,"__a":2,"plain":3})",
       R"({"message":"m","fields":{"id":"x","_":1,"_a":2,"plain":3}})"},
      {R"({"short_message":"m","_nested":{"a":[true]},"_big":123456789012345678901234567890})",
       R"({"message":"m","fields":{"nested":{"a":[true]},"big":123456789012345678901234567890}})"},
      {R"({"short_message":"a","short_message":"b","_x":1,"_x":2})",
       R"({"message":"a","fields":{"short_message":"b","x":1,"x":2}})"},
  }));
  CAPTURE(object);
  CHECK(read(object) == event);
}

TEST_CASE("gelf: what is no message", "[gelf]") {
  const auto [object, problem] = GENERATE(table<std::string, std::string>({
      {"{}", "no GELF message: it has no short_message that is a text"},
      {R"({"short_message":5})", "no GELF message: it has no short_message that is a text"},
      {"[]", "at byte 0: not a JSON object"},
      {R"({"short_message":"m)", "at byte 17: invalid JSON: a string does not end"},
      {R"({"short_message":"m","_a":[1,]})", "at byte 29: invalid JSON: no value where one is due"},
  }));
  CAPTURE(object);
  CHECK(read(object) == problem);
}
