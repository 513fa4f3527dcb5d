#include <simdjson.h>
#include <zlib.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <tuple>

#include "server/sinks/http/http_answer.h"
#include "server/sinks/http/http_body.h"
#include "server/sinks/http/http_request.h"
#include "server/sinks/http/http_times.h"
#include "server/sinks/http/http_work.h"
#include "server/sinks/metric_point.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using config::HttpCompression;
using config::HttpPreset;
using Kind = HttpVerdict::Kind;
using Lines = std::vector<std::string>;

namespace {

const Origin kOrigin{"in", "tcp://127.0.0.1:5514"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;

config::Sink sink_of(HttpPreset preset, config::Encoding encoding, std::string target = {}) {
  config::Sink sink{.name = "out", .type = config::SinkType::kHttp, .encoding = encoding};
  sink.http.preset = preset;
  sink.http.target = std::move(target);
  return sink;
}

std::string body_of(const config::Sink& sink, const Batch& batch) {
  const auto form = make_http_body(sink);
  std::string body;
  for (const Segment& segment : batch.segments)
    for (std::size_t at = segment.first; at < std::size_t{segment.first} + segment.count; ++at)
      form->append(batch, segment, at, body);
  form->finish(body);
  return body;
}

void web_log(FieldWriter& fields) {
  fields.time(Field::kTimestamp, 1'500'000'000'000'000'001);
  fields.string(Field::kHost, "web1");
  fields.string(Field::kApp, "ng\"inx");
  fields.string(Field::kMessage, "hello");
}

bool is_json(const std::string& text) {
  simdjson::dom::parser parser;
  return parser.parse(text).error() == simdjson::SUCCESS;
}

}  // namespace

TEST_CASE("http url: the preset's path and query, what the endpoint has itself goes first",
          "[sinks][http]") {
  const auto [preset, endpoint, target, url] =
      GENERATE(table<HttpPreset, std::string, std::string, std::string>({
          {HttpPreset::kNone, "http://h", "", "http://h/"},
          {HttpPreset::kNone, "https://h:1/a?b=c", "", "https://h:1/a?b=c"},
          {HttpPreset::kNone, "http://h?b=c/d", "", "http://h/?b=c/d"},
          {HttpPreset::kInflux, "http://h:8086", "my db",
           "http://h:8086/write?db=my%20db&precision=ns"},
          {HttpPreset::kInflux, "http://h/x/write?precision=s&db=a", "b",
           "http://h/x/write?precision=s&db=a"},
          {HttpPreset::kLoki, "http://h:3100/", "", "http://h:3100/loki/api/v1/push"},
          {HttpPreset::kElasticsearch, "http://h:9200", "logs",
           "http://h:9200/_bulk?filter_path=errors%2Citems.%2A.status%2Citems.%2A.error"},
          {HttpPreset::kSplunk, "https://h:8088", "", "https://h:8088/services/collector/event"},
          {HttpPreset::kClickhouse, "http://h:8123", "d.logs",
           "http://h:8123/?query=INSERT%20INTO%20d.logs%20FORMAT%20JSONEachRow&"
           "input_format_skip_unknown_fields=1&date_time_input_format=best_effort"},
      }));
  CAPTURE(endpoint);
  config::HttpSink http{.endpoint = endpoint, .preset = preset, .target = target};
  CHECK(http_url(http) == url);
  CHECK(shown_http_url(url) == url.substr(0, url.find('?')));
}

TEST_CASE("http headers: configured ones replace ours", "[sinks][http]") {
  config::HttpSink http{.compression = HttpCompression::kGzip};
  CHECK(http_headers(http, "text/plain") ==
        Lines{"Content-Type: text/plain", "Expect:", "Content-Encoding: gzip"});
  http.headers = {{"content-TYPE", "a/b", {}, {}}, {"Authorization", "Bearer x", {}, {}}};
  CHECK(http_headers(http, "text/plain") ==
        Lines{"Expect:", "Content-Encoding: gzip", "content-TYPE: a/b", "Authorization: Bearer x"});
}

TEST_CASE("http compression can be undone", "[sinks][http]") {
  std::string body;
  for (int at = 0; at < 20'000; ++at) body += "record " + std::to_string(at * 7919 % 1000) + '\n';
  CHECK(http_compressed(HttpCompression::kNone, body) == body);
  const std::string zst = http_compressed(HttpCompression::kZstd, body);
  std::string out(body.size(), '\0');
  CHECK(ZSTD_decompress(out.data(), out.size(), zst.data(), zst.size()) == body.size());
  CHECK(out == body);
  std::string gz = http_compressed(HttpCompression::kGzip, body);
  CHECK(gz.size() < body.size() / 3);
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  out.assign(body.size(), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(gz.data());
  stream.avail_in = static_cast<uInt>(gz.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  inflateEnd(&stream);
  CHECK(out == body);
}

TEST_CASE("http body: Loki gets streams of runs with the same labels", "[sinks][http]") {
  test::EventBatch batch(kOrigin, kPeer, kTime);
  batch.event(EventShape::kLog, web_log, "one\xff").event(EventShape::kLog, web_log, "two\n");
  batch.record("\"three\"");
  const std::string body =
      body_of(sink_of(HttpPreset::kLoki, config::Encoding::kRaw), batch.batch());
  CHECK(body ==
        R"({"streams":[{"stream":{"listener":"in","host":"web1","app":"ng\"inx"},"values":[)"
        "[\"1795572918123456789\",\"one\xef\xbf\xbd\"],[\"1795572918123456790\",\"two\"]]},"
        R"({"stream":{"listener":"in"},"values":[["1795572918123456791","\"three\""]]}]})");
  CHECK(is_json(body));
  const std::string json =
      body_of(sink_of(HttpPreset::kLoki, config::Encoding::kJson), batch.batch());
  CHECK(is_json(json));
  CHECK(json.find(R"(\"host\":\"web1\")") != std::string::npos);
}

TEST_CASE("http body: Elasticsearch gets an action and a document a record", "[sinks][http]") {
  test::EventBatch batch(kOrigin, kPeer, kTime);
  batch.event(EventShape::kLog, web_log).record("two");
  const std::string head =
      R"({"@timestamp":"2026-11-25T02:15:18.123456789Z","time":"2026-11-25T02:15:18.123456789Z",)"
      R"("listener":"in","url":"tcp://127.0.0.1:5514","peer":{"address":"192.0.2.1","port":40000},)"
      R"("flags":[],)";
  const auto sink = sink_of(HttpPreset::kElasticsearch, config::Encoding::kJson, "lo\"gs");
  CHECK(body_of(sink, batch.batch()) ==
        "{\"create\":{\"_index\":\"lo\\\"gs\"}}\n" + head +
            "\"timestamp\":\"2017-07-14T02:40:00.000000001Z\",\"host\":\"web1\",\"app\":"
            "\"ng\\\"inx\","
            "\"message\":\"hello\"}\n{\"create\":{\"_index\":\"lo\\\"gs\"}}\n" +
            head + "\"message\":\"two\"}\n");
  const auto stream = sink_of(HttpPreset::kElasticsearch, config::Encoding::kJson);
  CHECK(body_of(stream, batch.batch()).starts_with("{\"create\":{}}\n{"));
}

TEST_CASE("http body: Splunk gets an envelope an event", "[sinks][http]") {
  test::EventBatch batch(kOrigin, kPeer, kTime);
  batch.event(EventShape::kLog, web_log, "fr\"ame").record("two");
  CHECK(body_of(sink_of(HttpPreset::kSplunk, config::Encoding::kRaw, "main"), batch.batch()) ==
        R"({"time":1500000000.000000001,"host":"web1","source":"tcp://127.0.0.1:5514",)"
        R"("sourcetype":"in","index":"main","event":"fr\"ame"})"
        "\n"
        R"({"time":1795572918.123456789,"host":"192.0.2.1","source":"tcp://127.0.0.1:5514",)"
        R"("sourcetype":"in","index":"main","event":"two"})"
        "\n");
  const std::string json =
      body_of(sink_of(HttpPreset::kSplunk, config::Encoding::kJson), batch.batch());
  CHECK(json.find(R"("event":{"time":"2026)") != std::string::npos);
}

TEST_CASE("http body: without preset the encoding is the body", "[sinks][http]") {
  const auto batch = test::BatchBuilder().lines(kOrigin, kPeer, kTime, {"one", "two"}).take();
  CHECK(body_of(sink_of(HttpPreset::kNone, config::Encoding::kRaw), batch) == "one\ntwo\n");
  CHECK(make_http_body(sink_of(HttpPreset::kNone, config::Encoding::kJson))->content_type() ==
        "application/x-ndjson");
  CHECK(make_http_body(sink_of(HttpPreset::kNone, config::Encoding::kMsgpack))->content_type() ==
        "application/msgpack");
  CHECK(make_http_body(sink_of(HttpPreset::kInflux, config::Encoding::kInflux))
            ->unencodable(batch)
            .at(0)
            .frames.count == 2);
}

TEST_CASE("http answer: what a status means", "[sinks][http]") {
  const auto [status, kind] = GENERATE(table<long, Kind>({
      {200, Kind::kTaken},
      {204, Kind::kTaken},
      {301, Kind::kAgain},
      {400, Kind::kRefused},
      {401, Kind::kAgain},
      {403, Kind::kAgain},
      {404, Kind::kAgain},
      {408, Kind::kAgain},
      {413, Kind::kRefused},
      {415, Kind::kAgain},
      {422, Kind::kRefused},
      {429, Kind::kAgain},
      {500, Kind::kAgain},
      {503, Kind::kAgain},
  }));
  CAPTURE(status);
  const auto preset = GENERATE(HttpPreset::kNone, HttpPreset::kInflux, HttpPreset::kLoki);
  const HttpVerdict verdict = judge(preset, status, "why\n", 3);
  CHECK(verdict.kind == kind);
  if (kind != Kind::kTaken) CHECK(verdict.answer == "status " + std::to_string(status) + ": why");
}

TEST_CASE("http answer: ClickHouse says by a code whether a row is at fault", "[sinks][http]") {
  const auto [status, answer, kind] = GENERATE(table<long, std::string, Kind>({
      {500, "Code: 27, e.displayText() = DB::Exception: Cannot parse input", Kind::kRefused},
      {400, "Code: 72. DB::Exception: Cannot parse number", Kind::kRefused},
      {500, "Code: 131. DB::Exception: Too large value for FixedString(2)", Kind::kRefused},
      {500, "Code: 349. DB::Exception: Cannot insert NULL value", Kind::kRefused},
      {500, "Code: 467. DB::Exception: Cannot parse boolean value", Kind::kRefused},
      {500, "Code: 469. DB::Exception: Constraint `c` is violated", Kind::kRefused},
      {500, "Code: 563. DB::Exception: Map does not end with '}'", Kind::kRefused},
      {500, "Code: 691. DB::Exception: Unknown element 'x' for enum", Kind::kRefused},
      {400, "Code: 36. DB::Exception: Unknown element 'x' for enum", Kind::kRefused},
      {500, "Code: 49, e.displayText() = DB::Exception: Unknown element 'x' for type Enum8",
       Kind::kRefused},
      {400, "Code: 36. DB::Exception: Bad setting", Kind::kAgain},
      {400, "Code: 62. DB::Exception: Syntax error: failed at position 15 ('-')", Kind::kAgain},
      {400, "Code: 8. DB::Exception: There is no column", Kind::kAgain},
      {400, "Code: 44. DB::Exception: Cannot insert column", Kind::kAgain},
      {404, "Code: 60. DB::Exception: Table d.logs does not exist", Kind::kAgain},
      {403, "Code: 516. DB::Exception: Authentication failed", Kind::kAgain},
      {500, "Code: 241, e.displayText() = DB::Exception: Memory limit", Kind::kAgain},
      {500, "Code: ", Kind::kAgain},
      {400, "Code: x", Kind::kRefused},
      {400, "of a proxy", Kind::kRefused},
      {502, "of a proxy", Kind::kAgain},
  }));
  CAPTURE(status, answer);
  CHECK(judge(HttpPreset::kClickhouse, status, answer, 5).kind == kind);
  CHECK(judge(HttpPreset::kNone, 500, answer, 5).kind == Kind::kAgain);
}

TEST_CASE("http answer: Elasticsearch speaks of each record", "[sinks][http]") {
  const std::string good = R"({"create":{"_index":"l","status":201}})";
  const auto bulk = [](const std::string& items) {
    return R"({"took":3,"errors":true,"items":[)" + items + "]}";
  };
  const auto of = [](const std::string& answer, std::size_t records) {
    return judge(HttpPreset::kElasticsearch, 200, answer, records);
  };
  CHECK(of(bulk(good + ',' + good), 2).kind == Kind::kTaken);
  const HttpVerdict mixed =
      of(bulk(R"({"create":{"status":400,"error":{"type":"mapper_parsing_exception"}}},)" + good +
              R"(,{"create":{"status":429,"error":{"type":"es_rejected_execution_exception"}}})"),
         3);
  REQUIRE(mixed.kind == Kind::kMixed);
  REQUIRE(mixed.records.size() == 2);
  CHECK((mixed.records[0].index == 0 && mixed.records[0].refused));
  CHECK(mixed.records[0].answer == R"(status 400: {"type":"mapper_parsing_exception"})");
  CHECK((mixed.records[1].index == 2 && !mixed.records[1].refused));
  for (const std::string& strange :
       {std::string("ok"), std::string("{}"), bulk(good), bulk(good + ",{}"), bulk(good + ",3")}) {
    CAPTURE(strange);
    CHECK(of(strange, 2).kind == Kind::kAgain);
  }
}

TEST_CASE("http answer: Splunk names the first event that it does not take", "[sinks][http]") {
  const auto [status, answer, kind, taken] = GENERATE(table<long, std::string, Kind, std::size_t>({
      {400, R"({"text":"Invalid data format","code":6,"invalid-event-number":3})",
       Kind::kFirstRefused, 3},
      {400, R"({"text":"Event field is required","code":12,"invalid-event-number":0})",
       Kind::kFirstRefused, 0},
      {400, R"({"code":13,"invalid-event-number":4})", Kind::kFirstRefused, 4},
      {400, R"({"code":15,"invalid-event-number":1})", Kind::kFirstRefused, 1},
      {400, R"({"code":6,"invalid-event-number":5})", Kind::kRefused, 0},
      {400, R"({"code":6})", Kind::kRefused, 0},
      {400, R"({"text":"No data","code":5})", Kind::kAgain, 0},
      {400, R"({"text":"Incorrect index","code":7,"invalid-event-number":1})", Kind::kAgain, 0},
      {400, R"({"text":"Data channel is missing","code":10})", Kind::kAgain, 0},
      {400, R"({"text":"ACK is disabled","code":14})", Kind::kAgain, 0},
      {400, "<html>", Kind::kAgain, 0},
      {403, R"({"text":"Invalid token","code":4})", Kind::kAgain, 0},
      {413, "too large", Kind::kRefused, 0},
      {500, R"({"code":6,"invalid-event-number":3})", Kind::kAgain, 0},
      {503, R"({"text":"Server is busy","code":9,"invalid-event-number":0})", Kind::kAgain, 0},
      {503, R"({"text":"Server is busy","code":9,"invalid-event-number":4})", Kind::kAgain, 3},
      {503, R"({"text":"Server is busy","code":9,"invalid-event-number":6})", Kind::kAgain, 0},
      {503, R"({"text":"Server is busy","code":9})", Kind::kAgain, 0},
  }));
  CAPTURE(status, answer);
  const HttpVerdict verdict = judge(HttpPreset::kSplunk, status, answer, 5);
  CHECK(verdict.kind == kind);
  CHECK(verdict.taken == taken);
  CHECK(verdict.answer == "status " + std::to_string(status) + ": " + answer);
}

TEST_CASE("http times: no two records have the same, whatever was read in one turn",
          "[sinks][http]") {
  const auto batch_at = [](std::int64_t time_ns, const Lines& records) {
    return test::BatchBuilder()
        .lines(kOrigin, kPeer, time_ns, records)
        .lines(kOrigin, {}, time_ns, records)
        .take();
  };
  constexpr std::int64_t kSecond = 1'000'000'000;
  const Batch batch = batch_at(kTime, {"one", "two"});
  CHECK(distinct_time_ns(batch.segments[0], 1) == kTime + 1);
  CHECK(distinct_time_ns(batch.segments[1], 2) == kTime + 2);
  DistinctTimes times;
  CHECK(times.shift_ns(batch) == 0);
  CHECK(times.shift_ns(batch) == 4);
  CHECK(times.shift_ns(batch_at(kTime - 5, {"of another loop"})) == 13);
  CHECK(times.shift_ns(batch_at(kTime + 10, {"later"})) == 0);
  CHECK(times.shift_ns(batch_at(kTime + 12 - kSecond, {"a second behind"})) == kSecond);
  CHECK(times.shift_ns(batch_at(kTime + 13 - kSecond, {"the clock was set"})) == 0);
}

TEST_CASE("http work: parts and ranges", "[sinks][http]") {
  HttpHeld a, b;
  HttpWork work{{{&a, {10, 3}}, {&b, {0, 2}}, {&a, {20, 1}}}, {}};
  CHECK(count_frames(work) == 6);
  CHECK((frame_of(work, 3).held == &b && frame_of(work, 3).frames.first == 0));
  CHECK(frame_of(work, 5).frames.first == 20);
  const HttpWork part = part_of(work, 2, 3);
  REQUIRE(part.pieces.size() == 2);
  CHECK((part.pieces[0].frames.first == 12 && part.pieces[0].frames.count == 1));
  CHECK((part.pieces[1].held == &b && part.pieces[1].frames.count == 2));
  std::vector<FrameRange> ranges;
  for (const FrameRange range :
       {FrameRange{8, 2}, FrameRange{0, 2}, FrameRange{4, 4}, FrameRange{2, 2}})
    add_range(ranges, range);
  REQUIRE(ranges.size() == 1);
  CHECK((ranges[0].first == 0 && ranges[0].count == 10));
  add_range(ranges, {12, 1});
  CHECK(ranges.size() == 2);
}
