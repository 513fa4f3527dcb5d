#include "protocols/json/decoder.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/feed.h"

using namespace penstock;
using Lines = std::vector<std::string>;

namespace {

std::unique_ptr<Decoder> decoder(FramingOptions framing = {}, const JsonOptions& options = {}) {
  framing.split = Split::kNewline;
  return make_json_decoder(framing, options);
}

Lines events_of(std::string_view bytes, FramingOptions framing = {},
                const JsonOptions& options = {}) {
  test::Feed feed(decoder(framing, options));
  feed.read(bytes);
  feed.end(EndReason::kFin);
  return feed.events();
}

constexpr std::string_view kStream =
    "{\"level\":30,\"time\":1531171074631,\"pid\":657,\"hostname\":\"web1\",\"msg\":\"hello\","
    "\"v\":1}\n"
    "{\"message\":\"caf\\u00e9\",\"n\":[1,{\"a\":null}],\"big\":12345678901234567890123}\r\n"
    "[1,2]\n"
    "\n"
    "{\"a\":1";

}  // namespace

TEST_CASE("json: what loggers send becomes a log record", "[json]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      // pino
      {R"({"level":30,"time":1531171074631,"pid":657,"hostname":"web1","msg":"hello world"})",
       R"({"timestamp":@1531171074631000000,"host":"web1","severity":6,"message":"hello world",)"
       R"("fields":{"level":30,"pid":657}})"},
      // bunyan
      {R"({"name":"app","hostname":"web1","pid":1,"level":50,"msg":"","time":"2012-02-03T19:02:46.178Z","v":0})",
       R"({"timestamp":@1328295766178000000,"host":"web1","severity":3,"message":"",)"
       R"("fields":{"name":"app","pid":1,"level":50,"v":0}})"},
      // winston
      {R"({"level":"warn","message":"careful","timestamp":"2018-07-09T21:17:54.631+02:00"})",
       R"({"timestamp":@1531163874631000000,"severity":4,"message":"careful","fields":{"level":"warn"}})"},
      // logstash
      {R"({"@timestamp":"2018-07-09T21:17:54Z","@version":1,"message":"m","host":{"name":"h"},"level":"ERROR"})",
       R"({"timestamp":@1531171074000000000,"severity":3,"message":"m",)"
       R"("fields":{"@version":1,"host":{"name":"h"},"level":"ERROR"}})"},
      // zap, log4j2: ISO 8601 with a zone
      {R"({"ts":"2018-07-09T21:17:54.631+0200","msg":"m"})",
       R"({"timestamp":@1531163874631000000,"message":"m"})"},
      {R"({"time":"2018-07-09T21:17:54,631Z"})", R"({"timestamp":@1531171074631000000})"},
      {R"({"time":"2018-07-09T21:17:54"})", R"({"fields":{"time":"2018-07-09T21:17:54"}})"},
      {R"({"time":"2018-07-09T21:17:54Z "})", R"({"fields":{"time":"2018-07-09T21:17:54Z "}})"},
      // the first name of a row that has a usable value
      {R"({"msg":"second","message":"first","time":"soon","ts":1.5})",
       R"({"timestamp":@1500000000,"message":"first","fields":{"msg":"second","time":"soon"}})"},
      // more digits than a double holds: all of them count
      {R"({"ts":1531171074.631231123,"a":1})",
       R"({"timestamp":@1531171074631231123,"fields":{"a":1}})"},
      {R"({"time":99999999999999999999999,"a":1})",
       R"({"fields":{"time":99999999999999999999999,"a":1}})"},
      {R"({"message":["no","text"],"msg":"text","level":"loud","severity":9})",
       R"({"message":"text","fields":{"message":["no","text"],"level":"loud","severity":9}})"},
      {R"({"message":"a","message":"b"})", R"({"message":"a","fields":{"message":"b"}})"},
      {R"({"n":-1.5e3,"u":18446744073709551615,"":false})",
       R"({"fields":{"n":-1500.0,"u":18446744073709551615,"":false}})"},
      {"{}", "{}"},
      {"\xef\xbb\xbf{\"message\":\"behind a mark\"}", R"({"message":"behind a mark"})"},
  }));
  CAPTURE(line);
  CHECK(events_of(line + "\n") == Lines{event});
}

TEST_CASE("json: names mean nothing with known_names = false", "[json]") {
  CHECK(events_of(R"({"level":30,"message":"m"})", {}, {.known_names = false}) ==
        Lines{R"({"fields":{"level":30,"message":"m"}})"});
}

TEST_CASE("json: the words of levels", "[json]") {
  const auto [word, severity] = GENERATE(table<std::string, std::string>({
      {"\"emerg\"", "0"},
      {"\"ALERT\"", "1"},
      {"\"fatal\"", "2"},
      {"\"Critical\"", "2"},
      {"\"err\"", "3"},
      {"\"warning\"", "4"},
      {"\"notice\"", "5"},
      {"\"info\"", "6"},
      {"\"verbose\"", "7"},
      {"0", "0"},
      {"7", "7"},
      {"10", "7"},
      {"20", "7"},
      {"40", "4"},
      {"60", "2"},
  }));
  CHECK(events_of("{\"level\":" + word + "}") ==
        Lines{"{\"severity\":" + severity + ",\"fields\":{\"level\":" + word + "}}"});
}

TEST_CASE("json: what is no object goes on unparsed, with the byte", "[json]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {"[1]", R"({"error":"not a JSON object","error_offset":0,"message":"[1]"})"},
      {"plain", R"({"error":"not a JSON object","error_offset":0,"message":"plain"})"},
      {"{} {}",
       R"({"error":"invalid JSON: something follows the object","error_offset":3,"message":"{} {}"})"},
      {"\xef\xbb\xbf{",
       "{\"error\":\"invalid JSON: no name where one is due\",\"error_offset\":4,"
       "\"message\":\"\xef\xbb\xbf{\"}"},
  }));
  CAPTURE(line);
  CHECK(events_of(line) == Lines{event});
  CHECK(events_of(line, {.unparsed = Unparsed::kQuarantine}).empty());
}

TEST_CASE("json: a line cut at the maximum is unparsed and says so", "[json]") {
  test::Feed feed(decoder({.max_frame_bytes = 9}));
  feed.read("{\"message\":\"too long\"}\n{\"a\":1}\n");
  CHECK(feed.events() == Lines{R"({"error":"cut off at max_frame_bytes","message":"{\"message"})",
                               R"({"fields":{"a":1}})"});
  CHECK(feed.records()[0].flags == (kFrameTruncated | kFrameUnparsed));
}

TEST_CASE("json: white space alone is no record", "[json]") {
  for (const Unparsed unparsed : {Unparsed::kDeliver, Unparsed::kQuarantine}) {
    test::Feed feed(decoder({.unparsed = unparsed}));
    feed.read(" \n\t \r\n{\"a\":1}\n ");
    feed.end(EndReason::kFin);
    feed.datagram("{\"a\":2}\n \n");
    CHECK(feed.events() == Lines{R"({"fields":{"a":1}})", R"({"fields":{"a":2}})"});
    CHECK(feed.refusals().empty());
    CHECK(feed.counts().empty == 4);
  }
}

TEST_CASE("json: a datagram holds lines", "[json]") {
  test::Feed feed(decoder());
  feed.datagram("{\"a\":1}\n{\"a\":2}\r\n{\"a\":3}");
  feed.datagram("{\"a\":4}\n");
  feed.datagram("");
  CHECK(feed.events() == Lines{R"({"fields":{"a":1}})", R"({"fields":{"a":2}})",
                               R"({"fields":{"a":3}})", R"({"fields":{"a":4}})"});
}

TEST_CASE("json: values one behind the other", "[json]") {
  CHECK(events_of("{\"a\":1}{\"a\":\n2} [3]", {.framing = Framing::kJson}) ==
        Lines{R"({"fields":{"a":1}})", R"({"fields":{"a":2}})",
              R"({"error":"not a JSON object","error_offset":0,"message":"[3]"})"});
}

TEST_CASE("json: what is between values and none is refused with its byte", "[json]") {
  test::Feed feed(decoder({.framing = Framing::kJson}));
  feed.read(R"({"a":1}{"d":NaN}{"f":1,}{"g":2}nul{})"
            "\n=1\n");
  CHECK(feed.events() == Lines{R"({"fields":{"a":1}})", R"({"fields":{"g":2}})"});
  CHECK(feed.reasons() == Lines{"at byte 5: invalid JSON: no value where one is due",
                                "at byte 7: invalid JSON: no name where one is due",
                                "at byte 3: invalid JSON: a word other than true, false, null",
                                "at byte 0: no JSON value begins with this byte"});
}

TEST_CASE("json: limits are those of the options", "[json]") {
  CHECK(events_of(R"({"a":[[1]]})", {}, {.limits = {.max_depth = 2}}) ==
        Lines{R"({"error":"nested too deeply","error_offset":6,"message":"{\"a\":[[1]]}"})"});
  CHECK(
      events_of(R"({"a":[1,2]})", {}, {.limits = {.max_fields = 2}}) ==
      Lines{
          R"({"error":"more fields than an object may have","error_offset":8,"message":"{\"a\":[1,2]}"})"});
}

TEST_CASE("json: however a stream is cut, the same events", "[json]") {
  test::Feed whole(decoder());
  whole.read(kStream);
  whole.end(EndReason::kFin);
  REQUIRE(whole.events().size() == 4);
  test::Feed bytewise(decoder(), test::Place::kOutside);
  bytewise.read_bytewise(kStream);
  bytewise.end(EndReason::kFin);
  CHECK(bytewise.events() == whole.events());
  for (std::size_t at = 1; at < kStream.size(); ++at) {
    CAPTURE(at);
    test::Feed cut(decoder());
    cut.read_cut(kStream, {at});
    cut.end(EndReason::kFin);
    CHECK(cut.events() == whole.events());
    CHECK(test::same(cut.counts(), whole.counts()));
  }
}
