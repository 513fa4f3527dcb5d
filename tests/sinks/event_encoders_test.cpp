#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "server/sinks/graphite_encoder.h"
#include "server/sinks/influx_encoder.h"
#include "server/sinks/json_encoder.h"
#include "server/sinks/syslog_encoder.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using test::encoded;
using test::EventBatch;

namespace {

const Origin kOrigin{"in", "udp://127.0.0.1:1"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;  // 2026-11-25 02:15:18
const std::string kHead =
    R"({"time":"2026-11-25T02:15:18.123456789Z","listener":"in","url":"udp://127.0.0.1:1",)"
    R"("peer":{"address":"192.0.2.1","port":40000},"flags":[)";

EventBatch batch() { return EventBatch(kOrigin, kPeer, kTime); }

void cpu(FieldWriter& fields) {
  fields.string(Field::kName, "c pu,x=");
  fields.string(Field::kKind, "gauge");
  const auto values = fields.begin_map(Field::kFields);
  fields.real("a b"sv, 0.5);
  fields.integer("i"sv, -4);
  fields.unsigned_integer("u"sv, 5);
  fields.boolean("t"sv, true);
  fields.string("s"sv, "q\"\\\n");
  fields.real("nan"sv, std::nan(""));
  fields.end(values);
  const auto tags = fields.begin_map(Field::kTags);
  fields.string("host"sv, "w 1;~");
  fields.string("empty"sv, "");
  fields.end(tags);
  fields.time(Field::kTimestamp, 1'500'000'000'000'000'001);
}

void counter(FieldWriter& fields) {
  fields.string(Field::kName, "hits");
  const auto values = fields.begin_array(Field::kValue);
  fields.integer(Field::kNone, 1);
  fields.real(Field::kNone, 2.5);
  fields.end(values);
}

void words(FieldWriter& fields) {
  fields.string(Field::kName, "users");
  fields.string(Field::kValue, "bob");
}

void log_line(FieldWriter& fields) {
  fields.unsigned_integer(Field::kFacility, 4);
  fields.unsigned_integer(Field::kSeverity, 2);
  fields.time(Field::kTimestamp, 1'065'910'455'003'000'000);
  fields.string(Field::kHost, "my machine");
  fields.string(Field::kApp, "su");
  const auto data = fields.begin_map(Field::kStructuredData);
  const auto element = fields.begin_map("a@1"sv);
  fields.string("x"sv, "q\"]\\");
  const auto list = fields.begin_array("ip"sv);
  fields.string(Field::kNone, "1");
  fields.string(Field::kNone, "2");
  fields.end(list);
  fields.end(element);
  fields.end(data);
  const auto own = fields.begin_map(Field::kFields);
  const auto inner = fields.begin_map("http"sv);
  fields.integer("status"sv, 200);
  fields.end(inner);
  fields.end(own);
  fields.string(Field::kMessage, "two\nlines");
}

}  // namespace

TEST_CASE("JSON encoding: an event's fields stand in the place of the message", "[sinks][json]") {
  CHECK(encoded(JsonEncoder(), batch().event(EventShape::kLog, log_line).batch()) ==
        kHead + R"(],"facility":4,"severity":2,"timestamp":"2003-10-11T22:14:15.003000000Z",)"
                R"("host":"my machine","app":"su",)"
                R"("structured_data":{"a@1":{"x":"q\"]\\","ip":["1","2"]}},)"
                R"("fields":{"http":{"status":200}},"message":"two\nlines"})"
                "\n");
}

TEST_CASE("JSON encoding: numbers keep their type", "[sinks][json]") {
  EventBatch one = batch();
  one.event(EventShape::kMetric, [](FieldWriter& fields) {
    fields.real("whole"sv, 3);
    fields.real("large"sv, 1e300);
    fields.real("nan"sv, std::nan(""));
    fields.real("inf"sv, -std::numeric_limits<double>::infinity());
    fields.integer("least"sv, std::numeric_limits<std::int64_t>::min());
    fields.unsigned_integer("most"sv, std::numeric_limits<std::uint64_t>::max());
    fields.number("exact"sv, "1e400");
    fields.null("null"sv);
    fields.boolean("no"sv, false);
    fields.bytes("bytes"sv, "\xff\x00"sv);
  });
  CHECK(encoded(JsonEncoder(), one.batch()) ==
        kHead + R"(],"whole":3.0,"large":1e+300,"nan":"NaN","inf":"-Infinity",)"
                R"("least":-9223372036854775808,"most":18446744073709551615,"exact":1e400,)"
                R"("null":null,"no":false,"bytes":"/wA="})"
                "\n");
}

TEST_CASE("JSON encoding: where a field is no UTF-8 the record's bytes follow", "[sinks][json]") {
  EventBatch one = batch();
  one.event(
      EventShape::kLog, [](FieldWriter& fields) { fields.string(Field::kHost, "\xff"); }, "raw\xff",
      kFramePartial);
  CHECK(encoded(JsonEncoder(), one.batch()) ==
        kHead + "\"partial\"],\"host\":\"\xef\xbf\xbd\",\"raw_base64\":\"cmF3/w==\"}\n");
}

TEST_CASE("JSON encoding: what was not parsed says why", "[sinks][json]") {
  CHECK(encoded(JsonEncoder(), batch().unparsed("a\"b", {"no number", 2}).batch()) ==
        kHead + R"("unparsed"],"error":"no number","error_offset":2,"message":"a\"b"})"
                "\n");
}

TEST_CASE("JSON encoding: events larger than a buffer, and many of them", "[sinks][json]") {
  const std::string text(30'000, '"');
  EventBatch many = batch();
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    many.event(
        EventShape::kLog, [&](FieldWriter& fields) { fields.string(Field::kText, text); }, "f");
    std::string escaped;
    for (std::size_t at = 0; at < text.size(); ++at) escaped += "\\\"";
    expected += kHead + "],\"text\":\"" + escaped + "\"}\n";
  }
  CHECK(encoded(JsonEncoder(), many.batch()) == expected);
}

TEST_CASE("influx encoding: measurement, tags, fields and times", "[sinks][influx]") {
  CHECK(encoded(InfluxEncoder(), batch().event(EventShape::kMetric, cpu).batch()) ==
        "c\\ pu\\,x=,host=w\\ 1;~,metric_type=gauge "
        "a\\ b=0.5,i=-4i,u=5u,t=true,s=\"q\\\"\\\\\n\" 1500000000000000001\n");
  CHECK(encoded(InfluxEncoder(), batch().event(EventShape::kMetric, counter).batch()) ==
        "hits value_0=1,value_1=2.5 1795572918123456789\n");
  CHECK(encoded(InfluxEncoder(), batch().event(EventShape::kMetric, words).batch()) ==
        "users value=\"bob\" 1795572918123456789\n");
}

TEST_CASE("influx encoding: value is a float, so that a database sees one type",
          "[sinks][influx]") {
  using Write = std::function<void(FieldWriter&)>;
  const auto [write, text] = GENERATE(table<Write, std::string>({
      {[](FieldWriter& fields) { fields.integer(Field::kValue, 1); }, "1"},
      {[](FieldWriter& fields) { fields.real(Field::kValue, 0.93); }, "0.93"},
      {[](FieldWriter& fields) { fields.integer(Field::kValue, INT64_MIN); },
       "-9223372036854775808"},
      {[](FieldWriter& fields) { fields.unsigned_integer(Field::kValue, UINT64_MAX); },
       "18446744073709551615"},
      {[](FieldWriter& fields) { fields.boolean(Field::kValue, true); }, "true"},
  }));
  EventBatch point = batch();
  point.event(EventShape::kMetric, [write = write](FieldWriter& fields) {
    fields.string(Field::kName, "n");
    write(fields);
  });
  CHECK(encoded(InfluxEncoder(), point.batch()) == "n value=" + text + " 1795572918123456789\n");
}

TEST_CASE(
    "influx encoding: points without a time of their own that were read together differ in it",
    "[sinks][influx]") {
  EventBatch points = batch();
  points.event(EventShape::kMetric, words).event(EventShape::kMetric, words);
  points.event(EventShape::kMetric, cpu).event(EventShape::kMetric, words);
  const std::string lines = encoded(InfluxEncoder(), points.batch());
  CHECK(
      lines.starts_with("users value=\"bob\" 1795572918123456789\n"
                        "users value=\"bob\" 1795572918123456790\n"));
  CHECK(lines.find(" 1500000000000000001\n") != std::string::npos);
  CHECK(lines.ends_with("users value=\"bob\" 1795572918123456792\n"));
}

TEST_CASE("influx encoding: no name ends in a backslash, no name holds an LF", "[sinks][influx]") {
  EventBatch points = batch();
  points
      .event(EventShape::kMetric,
             [](FieldWriter& fields) {
               fields.string(Field::kName, "disk\\\\");
               const auto values = fields.begin_map(Field::kFields);
               fields.integer("used\\"sv, 1);
               fields.integer("\\"sv, 2);
               fields.string("path"sv, "C:\\");
               fields.string("text"sv, "a\nb");
               fields.integer("a\nb"sv, 3);
               fields.end(values);
               const auto tags = fields.begin_map(Field::kTags);
               fields.string("path"sv, "C:\\");
               fields.string("drive\\"sv, "D:\\\\ ");
               fields.string("gone"sv, "\\\\");
               fields.string("\\"sv, "gone");
               fields.string("lines"sv, "a\nb\n");
               fields.end(tags);
             })
      .event(EventShape::kMetric, [](FieldWriter& fields) {
        fields.string(Field::kName, "\\");
        fields.integer(Field::kValue, 1);
      });
  CHECK(encoded(InfluxEncoder(), points.batch()) ==
        "disk,path=C:,drive=D:\\\\\\ ,lines=a\\nb\\n "
        "used=1i,path=\"C:\\\\\",text=\"a\nb\",a\\nb=3i 1795572918123456789\n");
  CHECK_FALSE(InfluxEncoder().encodes(points.batch(), 1));
}

TEST_CASE("graphite encoding: a line a number", "[sinks][graphite]") {
  const std::string tags = ";host=w_1__ ";
  CHECK(encoded(GraphiteEncoder(), batch().event(EventShape::kMetric, cpu).batch()) ==
        "c_pu,x=.a_b" + tags + "0.5 1500000000\nc_pu,x=.i" + tags + "-4 1500000000\nc_pu,x=.u" +
            tags + "5 1500000000\n");
  CHECK(encoded(GraphiteEncoder(), batch().event(EventShape::kMetric, counter).batch()) ==
        "hits 1 1795572918\nhits 2.5 1795572918\n");
}

TEST_CASE("syslog encoding: events, and records without one", "[sinks][syslog]") {
  CHECK(
      encoded(SyslogEncoder(),
              batch().event(EventShape::kLog, log_line).record("te\txt").batch()) ==
      "<34>1 2003-10-11T22:14:15.003000Z my_machine su - - "
      "[a@1 x=\"q\\\"\\]\\\\\" ip=\"1\" ip=\"2\"][fields@32473 http.status=\"200\"] two#012lines\n"
      "<13>1 2026-11-25T02:15:18.123456Z 192.0.2.1 - - - - te#011xt\n");
}

TEST_CASE("encodings: what has no form is passed over, and told", "[sinks]") {
  EventBatch all = batch();
  all.event(EventShape::kMetric, counter)
      .event(EventShape::kMetric, words)
      .event(EventShape::kLog, log_line)
      .record("r")
      .event(EventShape::kMetric, cpu);
  const auto ranges = [&](const Encoder& encoder) {
    std::vector<std::pair<std::size_t, std::size_t>> out;
    for (const Undeliverable& part : unencodable(encoder, all.batch()))
      out.emplace_back(part.frames.first, part.frames.count);
    return out;
  };
  using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;
  CHECK(ranges(JsonEncoder()).empty());
  CHECK(ranges(GraphiteEncoder()) == Ranges{{1, 3}});
  CHECK(ranges(InfluxEncoder()) == Ranges{{2, 2}});
  CHECK(ranges(SyslogEncoder()) == Ranges{{0, 2}, {4, 1}});
  CHECK(encoded(SyslogEncoder(), all.batch()).starts_with("<34>"));
}
