#include "protocols/graphite/line.h"

#include <catch2/catch.hpp>

#include "protocols/graphite/decoder.h"
#include "tests/protocols/cuts.h"
#include "tests/protocols/parsed.h"

using namespace penstock;
using namespace penstock::test;
using graphite::parse_graphite;
using Texts = std::vector<std::string>;

TEST_CASE("graphite: plaintext as carbon and its clients write it", "[graphite]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"local.random.diceroll 4 1700000000",
       R"({"name":"local.random.diceroll","value":4,"timestamp":@1700000000000000000})"},
      {"disk.used;datacenter=dc1;rack=a1;server=web01 42.5 1700000000",
       R"({"name":"disk.used","value":42.5,"tags":{"datacenter":"dc1","rack":"a1","server":"web01"},"timestamp":@1700000000000000000})"},
      {"a.b \t 1.0\t\t1700000000.25  ",
       R"({"name":"a.b","value":1.0,"timestamp":@1700000000250000000})"},
      {"  a 1 2", R"({"name":"a","value":1,"timestamp":@2000000000})"},
      {"a 1e3 -1", R"({"name":"a","value":1000.0})"},
      {"a -0.5 N", R"({"name":"a","value":-0.5})"},
      {"a;k=v=w 1 N", R"({"name":"a","value":1,"tags":{"k":"v=w"}})"},
      {"a 18446744073709551615 1.7e9",
       R"({"name":"a","value":18446744073709551615,"timestamp":@1700000000000000000})"},
      {"a 1 -1.0", R"({"name":"a","value":1})"},
      {"a 1 -1.5", R"({"name":"a","value":1})"},
      {"", "at byte 0: no path"},
      {" \t", "at byte 2: no path"},
      {"a", "at byte 1: no value"},
      {"a 1", "at byte 3: no time"},
      {"a 1 ", "at byte 4: no time"},
      {"a 1 2 3", "at byte 6: more than path, value and time"},
      {"a nan 2", "at byte 2: the value is no finite decimal number"},
      {"a inf 2", "at byte 2: the value is no finite decimal number"},
      {"a 1e999 2", "at byte 2: the value is no finite decimal number"},
      {"a  1_0 2", "at byte 3: the value is no finite decimal number"},
      {"a 1 -2", "at byte 4: the time is neither seconds since 1970 nor -1 or N"},
      {"a 1 now", "at byte 4: the time is neither seconds since 1970 nor -1 or N"},
      {"a 1 99999999999", "at byte 4: the time is neither seconds since 1970 nor -1 or N"},
      {";k=v 1 2", "at byte 0: no name before the tags"},
      {"a;k 1 2", "at byte 2: a tag without name or value"},
      {"a;k= 1 2", "at byte 2: a tag without name or value"},
      {"a;=v 1 2", "at byte 2: a tag without name or value"},
      {" a;k=v; 1 2", "at byte 7: a tag without name or value"},
  }));
  CAPTURE(line);
  CHECK(parsed(parse_graphite, line) == event);
}

TEST_CASE("graphite: a stream gives the same however it is cut", "[graphite]") {
  const Feed feed = check_every_cut([] { return make_graphite_decoder({}); },
                                    "a 1 2\r\n\nb;k=v  0.5\t-1\nbad\nc 3 4");
  CHECK(feed.events() == Texts{R"({"name":"a","value":1,"timestamp":@2000000000})",
                               R"({"name":"b","value":0.5,"tags":{"k":"v"}})",
                               R"({"error":"no value","error_offset":3,"message":"bad"})",
                               R"({"name":"c","value":3,"timestamp":@4000000000})"});
}

TEST_CASE("graphite: many lines in one datagram", "[graphite]") {
  Feed feed(make_graphite_decoder({.split = Split::kNewline}));
  feed.datagram("a 1 -1\r\nb 2 -1\nc 3 -1");
  CHECK(feed.events() == Texts{R"({"name":"a","value":1})", R"({"name":"b","value":2})",
                               R"({"name":"c","value":3})"});
}
