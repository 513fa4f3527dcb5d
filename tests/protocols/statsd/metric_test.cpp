#include <catch2/catch.hpp>

#include "protocols/statsd/parse.h"
#include "tests/protocols/parsed.h"

using namespace penstock;
using penstock::statsd::parse_statsd;
using test::parsed;

namespace {

void check(const std::string& line, const std::string& event) {
  CAPTURE(line);
  CHECK(parsed(parse_statsd, line) == event);
}

}  // namespace

TEST_CASE("statsd: the examples of its own documentation", "[statsd]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"gorets:1|c", R"({"name":"gorets","kind":"counter","value":1})"},
      {"gorets:1|c|@0.1",
       R"({"name":"gorets","kind":"counter","value":1,"sample_rate":0.10000000000000001})"},
      {"glork:320|ms|@0.5", R"({"name":"glork","kind":"timer","value":320,"sample_rate":0.5})"},
      {"gaugor:333|g", R"({"name":"gaugor","kind":"gauge","value":333})"},
      {"gaugor:-10|g", R"({"name":"gaugor","kind":"gauge","value":-10,"delta":true})"},
      {"gaugor:+4|g", R"({"name":"gaugor","kind":"gauge","value":4,"delta":true})"},
      {"uniques:765|s", R"({"name":"uniques","kind":"set","value":"765"})"},
  }));
  check(line, event);
}

TEST_CASE("DogStatsD: the examples of its documentation", "[statsd]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"page.views:1|c", R"({"name":"page.views","kind":"counter","value":1})"},
      {"fuel.level:0.5|g", R"({"name":"fuel.level","kind":"gauge","value":0.5})"},
      {"song.length:240|h|@0.5",
       R"({"name":"song.length","kind":"histogram","value":240,"sample_rate":0.5})"},
      {"users.uniques:1234|s", R"({"name":"users.uniques","kind":"set","value":"1234"})"},
      {"users.online:1|c|#country:china",
       R"({"name":"users.online","kind":"counter","value":1,"tags":{"country":"china"}})"},
      {"users.online:1|c|@0.5|#country:china",
       R"({"name":"users.online","kind":"counter","value":1,"tags":{"country":"china"},"sample_rate":0.5})"},
      {"page.views:1:2:32|d", R"({"name":"page.views","kind":"distribution","value":[1,2,32]})"},
      {"page.views:1|g|#env:dev|c:83c0a99c0a54c0c187f461c7980e9b57f3f6a8b0c918c8d93df19a9de6f3fe1d",
       R"({"name":"page.views","kind":"gauge","value":1,"tags":{"env":"dev"},"container":"83c0a99c0a54c0c187f461c7980e9b57f3f6a8b0c918c8d93df19a9de6f3fe1d"})"},
      {"page.views:15|c|#env:dev|T1656581400",
       R"({"name":"page.views","kind":"counter","value":15,"tags":{"env":"dev"},"timestamp":@1656581400000000000})"},
      {"page.views:1|g|#env:dev|c:ci-1|e:it-false,cn-web,pu-7|card:low",
       R"({"name":"page.views","kind":"gauge","value":1,"tags":{"env":"dev"},"container":"ci-1","external_data":"it-false,cn-web,pu-7","cardinality":"low"})"},
  }));
  check(line, event);
}

TEST_CASE("statsd: what clients send", "[statsd]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"t:1.000000|ms", R"({"name":"t","kind":"timer","value":1.0})"},
      {"a:1|c|@0.75", R"({"name":"a","kind":"counter","value":1,"sample_rate":0.75})"},
      {"a:1|c|@1", R"({"name":"a","kind":"counter","value":1,"sample_rate":1.0})"},
      {"a:-7|c", R"({"name":"a","kind":"counter","value":-7})"},
      {"a:1e3|g", R"({"name":"a","kind":"gauge","value":1000.0})"},
      {"a:.5|h", R"({"name":"a","kind":"histogram","value":0.5})"},
      {"a:7.|h", R"({"name":"a","kind":"histogram","value":7.0})"},
      {"a:+1:+2|g", R"({"name":"a","kind":"gauge","value":[1,2],"delta":true})"},
      {"a:9223372036854775807|g", R"({"name":"a","kind":"gauge","value":9223372036854775807})"},
      {"a:-9223372036854775808|c", R"({"name":"a","kind":"counter","value":-9223372036854775808})"},
      {"a:9223372036854775808|g", R"({"name":"a","kind":"gauge","value":9223372036854775808})"},
      {"a:x y:z|s", R"({"name":"a","kind":"set","value":"x y:z"})"},
      {"a b/c-d.e:1|c", R"({"name":"a b/c-d.e","kind":"counter","value":1})"},
      {"a:1|c|#", R"({"name":"a","kind":"counter","value":1,"tags":{}})"},
      {"a:1|c|#x,,y:,z:1:2,",
       R"({"name":"a","kind":"counter","value":1,"tags":{"x":"true","y":"","z":"1:2"}})"},
      {"a:1|c|#team:a,x,team:b,y,team:a,x",
       R"({"name":"a","kind":"counter","value":1,"tags":{"team":"a,b","x":"true","y":"true"}})"},
      {"a:1|c|#metric_type:g,a:1,sent_metric_type:h",
       R"({"name":"a","kind":"counter","value":1,"tags":{"a":"1","sent_metric_type":"g,h"}})"},
      {"a:1|c|#k:v|@0.5",
       R"({"name":"a","kind":"counter","value":1,"tags":{"k":"v"},"sample_rate":0.5})"},
      {"a:1|c|c:in-5777|#k:v",
       R"({"name":"a","kind":"counter","value":1,"tags":{"k":"v"},"container":"in-5777"})"},
      {"a:1|c|new:part||x",
       R"({"name":"a","kind":"counter","value":1,"extensions":["new:part","x"]})"},
      {"a:1|c|", R"({"name":"a","kind":"counter","value":1})"},
  }));
  check(line, event);
}

TEST_CASE("statsd: what is none, and at which byte", "[statsd]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"hello", "at byte 5: no `:` between name and value"},
      {":1|c", "at byte 0: no name"},
      {"a:", "at byte 2: no value"},
      {"a:|c", "at byte 2: no value"},
      {"a:1", "at byte 3: no `|` between value and type"},
      {"a:1|", "at byte 4: the type is none of c, g, ms, h, d and s"},
      {"a:1|x", "at byte 4: the type is none of c, g, ms, h, d and s"},
      {"a:1|cc|@1", "at byte 4: the type is none of c, g, ms, h, d and s"},
      {"a:1|c:2|c", "at byte 4: the type is none of c, g, ms, h, d and s"},
      {"a:x|c", "at byte 2: the value is no finite decimal number"},
      {"a:nan|g", "at byte 2: the value is no finite decimal number"},
      {"a:inf|g", "at byte 2: the value is no finite decimal number"},
      {"a:1e999|g", "at byte 2: the value is no finite decimal number"},
      {"a:0x10|g", "at byte 2: the value is no finite decimal number"},
      {"a: 1|g", "at byte 2: the value is no finite decimal number"},
      {"a:\xd9\xa1|g", "at byte 2: the value is no finite decimal number"},
      {"a:1:|d", "at byte 4: the value is no finite decimal number"},
      {"a:1:x:3|d", "at byte 4: the value is no finite decimal number"},
      {"a:+1:2|g", "at byte 5: packed values with a sign and without"},
      {"a:1|c|@0", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|@0.0", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|@1.5", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|@-1", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|@nan", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|@", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|@1e-999", "at byte 7: the sample rate is not above 0 and at most 1"},
      {"a:1|c|T", "at byte 7: the time is not in seconds since 1970"},
      {"a:1|c|T-1", "at byte 7: the time is not in seconds since 1970"},
      {"a:1|c|T99999999999", "at byte 7: the time is not in seconds since 1970"},
      {"a:1|c|#a|#b", "at byte 9: the same part twice"},
      {"a:1|c|@1|@1", "at byte 9: the same part twice"},
  }));
  check(line, problem);
}

TEST_CASE("statsd: more tags than are compared with each other", "[statsd]") {
  std::string line = "a:1|c|#k:2,k:1", expected;
  for (char name = 'a'; name <= 'z'; ++name) line.append(1, ',').append(1, name);
  line += ",k:2,metric_type:m";
  for (char name = 'a'; name <= 'z'; ++name) {
    if (name == 't') expected += R"("sent_metric_type":"m",)";
    expected.append(1, '"').append(1, name).append(name == 'k' ? R"(":"1,2,true",)"
                                                               : R"(":"true",)");
  }
  expected.pop_back();
  CHECK(parsed(parse_statsd, line) ==
        R"({"name":"a","kind":"counter","value":1,"tags":{)" + expected + "}}");
}
