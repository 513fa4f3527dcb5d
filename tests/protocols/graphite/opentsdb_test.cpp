#include "protocols/graphite/opentsdb.h"

#include <catch2/catch.hpp>

#include "protocols/graphite/decoder.h"
#include "tests/protocols/cuts.h"
#include "tests/protocols/parsed.h"

using namespace penstock;
using namespace penstock::test;
using graphite::parse_put;
using Texts = std::vector<std::string>;

TEST_CASE("opentsdb: put lines", "[opentsdb]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"put sys.cpu.user 1356998400 42.5 host=webserver01 cpu=0",
       R"({"name":"sys.cpu.user","value":42.5,"tags":{"host":"webserver01","cpu":"0"},"timestamp":@1356998400000000000})"},
      {"put sys.cpu.user 1356998400123 -7 host=a  cpu=0 ",
       R"({"name":"sys.cpu.user","value":-7,"tags":{"host":"a","cpu":"0"},"timestamp":@1356998400123000000})"},
      {"put a 1364410924.250 1\tk=v=w",
       R"({"name":"a","value":1,"tags":{"k":"v=w"},"timestamp":@1364410924250000000})"},
      {"put a 123456789.123 1", R"({"name":"a","value":1,"timestamp":@123456789123000000})"},
      {"put a 1 1e-1", R"({"name":"a","value":0.10000000000000001,"timestamp":@1000000000})"},
      {"putt a 1 1", "at byte 0: no `put`"},
      {" hello", "at byte 1: no `put`"},
      {"put", "at byte 3: no metric"},
      {"put a", "at byte 5: no time"},
      {"put a 1", "at byte 7: no value"},
      {"put a -1 1", "at byte 6: the time is not seconds or milliseconds since 1970"},
      {"put a now 1", "at byte 6: the time is not seconds or milliseconds since 1970"},
      {"put a 99999999999 1", "at byte 6: the time is not seconds or milliseconds since 1970"},
      {"put a +123456789012 1", "at byte 6: the time is not seconds or milliseconds since 1970"},
      {"put a 1 nan k=v", "at byte 8: the value is no finite decimal number"},
      {"put a 1 1 k", "at byte 10: a tag without name or value"},
      {"put a 1 1 k=", "at byte 10: a tag without name or value"},
      {"put a 1 1 =v", "at byte 10: a tag without name or value"},
  }));
  CAPTURE(line);
  CHECK(parsed(parse_put, line) == event);
}

TEST_CASE("opentsdb: commands are answered, and a stream gives the same however it is cut",
          "[opentsdb]") {
  const Feed feed = check_every_cut([] { return make_opentsdb_decoder({}); },
                                    "version\r\nput a 1 2 k=v\r\nstats\nfoo\nhelp\nexit\n");
  CHECK(feed.events() == Texts{R"({"name":"a","value":2,"tags":{"k":"v"},"timestamp":@1000000000})",
                               R"({"error":"no `put`","error_offset":0,"message":"foo"})"});
  CHECK(feed.sent() ==
        "penstock, takes the put lines of net.opentsdb\n"
        "tsd.rpc.received 0 3 type=telnet\n"
        "available commands: put stats version help exit\n"
        "exit\n");
  CHECK(feed.counts().empty == 4);
  CHECK(feed.hung_up());
}

TEST_CASE("opentsdb: an unfinished command is not answered", "[opentsdb]") {
  Feed feed(make_opentsdb_decoder({}));
  feed.read("version");
  feed.end(EndReason::kFin);
  CHECK(feed.sent().empty());
  CHECK(feed.counts().unparsed == 1);
  CHECK_FALSE(feed.hung_up());
}
