#include <catch2/catch.hpp>

#include "protocols/statsd/parse.h"
#include "tests/protocols/parsed.h"

using namespace penstock;
using penstock::statsd::parse_statsd;
using test::parsed;

TEST_CASE("DogStatsD: events", "[statsd]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {R"(_e{21,36}:An exception occurred|Cannot parse CSV file from 10.0.0.17|t:warning|#err_type:bad_file)",
       R"({"kind":"event","title":"An exception occurred","text":"Cannot parse CSV file from 10.0.0.17","alert_type":"warning","tags":{"err_type":"bad_file"}})"},
      {R"(_e{21,14}:An exception occurred|first\nsecond.|d:1656581400|h:web1|k:key|p:low|s:java|t:error|#a:b|c:ci-1)",
       R"({"kind":"event","title":"An exception occurred","text":"first\x0asecond.","host":"web1","aggregation_key":"key","priority":"low","source_type":"java","alert_type":"error","tags":{"a":"b"},"timestamp":@1656581400000000000,"container":"ci-1"})"},
      {"_e{7,18}:Déployé|terminé à midi\\nok|p:low|t:info|#env:dev",  // hot-shots 17
       R"({"kind":"event","title":"Déployé","text":"terminé à midi\x0aok","priority":"low","alert_type":"info","tags":{"env":"dev"}})"},
      {"_e{4,2}:a\xf0\x9f\x9a\x80z|\xe2\x82\xac!",
       "{\"kind\":\"event\",\"title\":\"a\xf0\x9f\x9a\x80z\",\"text\":\"\xe2\x82\xac!\"}"},
      {R"(_e{6,4}:\na\nb|c\nd)", R"({"kind":"event","title":"\x0aa\x0ab","text":"c\x0ad"})"},
      {R"(_e{1,9}:a|\\n\n\n\n)", R"({"kind":"event","title":"a","text":"\\\x0a\x0a\x0a\x0a"})"},
      {"_e{2,2}:\xc3\xa9|\xc3\xa9|\xc3",
       "{\"kind\":\"event\",\"title\":\"\xc3\xa9\",\"text\":\"\xc3\xa9\",\"extensions\":[\"\xc3\"]"
       "}"},
      {"_e{1,1}:\xf0\x9f\x9a\x80|a", "at byte 9: the title does not have its length"},
      {"_e{1,2}:\xc3\xa9|a", "at byte 9: the title does not have its length"},
      {"_e{1,1}:\xc3\xa9|a\xc3", "at byte 9: the title does not have its length"},
      {"_e{1,2}:a|\xc3", "at byte 10: the text does not have its length"},
      {"_e{1,1}:a|\xe2\x82", "at byte 11: the text does not have its length"},
      {"_e{0,0}:|", R"({"kind":"event","title":"","text":""})"},
      {"_e{3,3}:a|b|c|d", R"({"kind":"event","title":"a|b","text":"c|d"})"},
      {"_e{2,2}:\xc3\xa9|\xc3\xa9",
       "{\"kind\":\"event\",\"title\":\"\xc3\xa9\",\"text\":\"\xc3\xa9\"}"},
      {"_e{1,1}:a|b|@0.5", R"({"kind":"event","title":"a","text":"b","extensions":["@0.5"]})"},
      {"_e{,1}:a|b", "at byte 3: no length of the event's title"},
      {"_e{99999999999999999999,1}:a|b", "at byte 3: no length of the event's title"},
      {"_e{1}:a|b", "at byte 4: no length of the event's title"},
      {"_e{1,}:a|b", "at byte 5: no length of the event's text"},
      {"_e{1,1}a|b", "at byte 6: no length of the event's text"},
      {"_e{2,1}:a|b", "at byte 10: the title does not have its length"},
      {"_e{99,1}:a|b", "at byte 9: the title does not have its length"},
      {"_e{1,2}:a|b", "at byte 10: the text does not have its length"},
      {"_e{1,1}:a|bb", "at byte 11: the text does not have its length"},
      {"_e{1,1}:a|b|d:soon", "at byte 14: the time is not in seconds since 1970"},
  }));
  CAPTURE(line);
  CHECK(parsed(parse_statsd, line) == event);
}

TEST_CASE("DogStatsD: service checks", "[statsd]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"_sc|Redis connection|2|#env:dev|m:Redis connection timed out after 10s",
       R"({"name":"Redis connection","kind":"service_check","status":2,"message":"Redis connection timed out after 10s","tags":{"env":"dev"}})"},
      {R"(_sc|db|0|d:1656581400|h:web1|#a|m:one\ntwo)",
       R"({"name":"db","kind":"service_check","status":0,"host":"web1","message":"one\x0atwo","tags":{"a":"true"},"timestamp":@1656581400000000000})"},
      {"_sc|db|3", R"({"name":"db","kind":"service_check","status":3})"},
      {"_sc||0", "at byte 4: no name"},
      {"_sc|db", "at byte 6: no status"},
      {"_sc|db|", "at byte 7: the status is not 0 to 3"},
      {"_sc|db|4", "at byte 7: the status is not 0 to 3"},
      {"_sc|db|00", "at byte 7: the status is not 0 to 3"},
      {"_sc|db|-1", "at byte 7: the status is not 0 to 3"},
  }));
  CAPTURE(line);
  CHECK(parsed(parse_statsd, line) == event);
}
