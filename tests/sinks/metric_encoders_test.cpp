#include <catch2/catch.hpp>
#include <cmath>

#include "protocols/influx/decoder.h"
#include "protocols/statsd/parse.h"
#include "server/sinks/graphite_encoder.h"
#include "server/sinks/influx_encoder.h"
#include "tests/protocols/feed.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using test::encoded;
using test::EventBatch;

namespace {

const Origin kMetricOrigin{"in", "udp://127.0.0.1:1"};

EventBatch metric(const std::function<void(FieldWriter&)>& write) {
  EventBatch point(kMetricOrigin, {}, 5'000'000'000);
  point.event(EventShape::kMetric, write);
  return point;
}

void add_statsd(EventBatch& to, const std::string& line) {
  to.event(
      EventShape::kMetric,
      [&](FieldWriter& fields) { REQUIRE_FALSE(statsd::parse_statsd(fields.frame(), fields)); },
      line);
}

EventBatch statsd_batch(const std::string& line) {
  EventBatch point(kMetricOrigin, {}, 5'000'000'000);
  add_statsd(point, line);
  return point;
}

std::vector<std::string> read_back(const std::string& lines) {
  test::Feed reader(make_influx_decoder({}, {}));
  CHECK(reader.read(lines));
  return reader.events();
}

}  // namespace

TEST_CASE("influx encoding: all that statsd says is kept, and read again", "[sinks][influx]") {
  const auto [line, expected] = GENERATE(table<std::string, std::string>({
      {"c:1|c|@0.1", "c,metric_type=counter value=1,sample_rate=0.1"},
      {"c:1:2|c|@0.5", "c,metric_type=counter value_0=1,value_1=2,sample_rate=0.5"},
      {"g:10|g", "g,metric_type=gauge value=10"},
      {"g:-2|g", "g,metric_type=gauge value=-2,delta=true"},
      {"x:1|c|c:pod 1|#a:b", "x,a=b,container=pod\\ 1,metric_type=counter value=1"},
      {"x:1|c|e:it-false,cn-web|card:low",
       "x,external_data=it-false\\,cn-web,cardinality=low,metric_type=counter value=1"},
      {"x:1|c|v2:a|w", "x,metric_type=counter value=1,extensions=\"v2:a,w\""},
      {"_sc|db|2|h:web1|#a:b|m:all\\nbad",
       "db,a=b,host=web1,metric_type=service_check status=2i,message=\"all\nbad\""},
  }));
  const std::string text = encoded(InfluxEncoder(), statsd_batch(line).batch());
  CHECK(text == expected + " 5000000000\n");
  const auto events = read_back(text);
  REQUIRE(events.size() == 1);
  CHECK(events[0].starts_with("{\"name\":"));
}

TEST_CASE("influx encoding: what the sender names itself keeps its name", "[sinks][influx]") {
  const auto [line, expected] = GENERATE(table<std::string, std::string>({
      {"x:1|c|#container:own|c:pod",
       "x,container=own,event_container=pod,metric_type=counter value=1"},
      {"x:1|c|#container:own,event_container:too|c:pod",
       "x,container=own,event_container=too,event_event_container=pod,metric_type=counter value=1"},
      {"x:1|c|#container\\:own|c:pod",
       "x,container=own,event_container=pod,metric_type=counter value=1"},
      {"x:1|c|#sample_rate:a|@0.5",
       "x,sample_rate=a,metric_type=counter value=1,event_sample_rate=0.5"},
      {"_sc|db|0|#status:ok,host:a|h:b",
       "db,status=ok,host=a,event_host=b,metric_type=service_check event_status=0i"},
  }));
  CHECK(encoded(InfluxEncoder(), statsd_batch(line).batch()) == expected + " 5000000000\n");
  const EventBatch point = metric([](FieldWriter& fields) {
    fields.string(Field::kName, "m");
    const auto map = fields.begin_map(Field::kFields);
    fields.integer("interval"sv, 1);
    fields.end(map);
    fields.real(Field::kInterval, 10);
    fields.string(Field::kHost, "");
    fields.null("nothing"sv);
    const auto list = fields.begin_array("list"sv);
    fields.string(Field::kNone, "a");
    fields.integer(Field::kNone, 2);
    fields.end(list);
    fields.real(Field::kValue, std::nan(""));
  });
  CHECK(encoded(InfluxEncoder(), point.batch()) ==
        "m interval=1i,event_interval=10,list=\"a,2\" 5000000000\n");
}

TEST_CASE("influx encoding: a point whose values have no form is none, whatever else it has",
          "[sinks][influx]") {
  const auto with_values = [](double value) {
    return metric([value](FieldWriter& fields) {
      fields.string(Field::kName, "load.gauge");
      const auto map = fields.begin_map(Field::kFields);
      fields.real("value"sv, value);
      fields.end(map);
      fields.real(Field::kInterval, 10);
    });
  };
  CHECK(encoded(InfluxEncoder(), with_values(-0.0).batch()) ==
        "load.gauge value=-0,interval=10 5000000000\n");
  CHECK(
      read_back(encoded(InfluxEncoder(), with_values(-0.0).batch())) ==
      std::vector<std::string>{
          R"({"name":"load.gauge","fields":{"value":-0.0,"interval":10.0},"timestamp":@5000000000})"});
  CHECK_FALSE(InfluxEncoder().encodes(with_values(std::nan("")).batch(), 0));
  CHECK_FALSE(InfluxEncoder().encodes(statsd_batch("_e{1,1}:a|b|c:pod").batch(), 0));
}

TEST_CASE("graphite encoding: a counter is what it stands for, and where it is from are tags",
          "[sinks][graphite]") {
  const auto [line, expected] = GENERATE(table<std::string, std::string>({
      {"c:1|c|@0.1", "c 10 5\n"},
      {"c:3|c|@1", "c 3 5\n"},
      {"c:18446744073709551615|c", "c 18446744073709551615 5\n"},
      {"c:-2.5:4|c|@0.5", "c -5 5\nc 8 5\n"},
      {"t:5|ms|@0.1", "t 5 5\n"},
      {"g:5|g|@0.1", "g 5 5\n"},
      {"x:1|c|#a:b|c:pod;1|card:low|e:", "x;a=b;container=pod_1;cardinality=low 1 5\n"},
      {"x:1|c|#container:own|c:pod", "x;container=own;event_container=pod 1 5\n"},
      {"x:1|c|#external data:own|e:pod", "x;external_data=own;event_external_data=pod 1 5\n"},
  }));
  CHECK(encoded(GraphiteEncoder(), statsd_batch(line).batch()) == expected);
}

TEST_CASE("graphite encoding: tags of any type", "[sinks][graphite]") {
  const EventBatch point = metric([](FieldWriter& fields) {
    fields.string(Field::kName, "m");
    fields.integer(Field::kValue, 1);
    const auto tags = fields.begin_map(Field::kTags);
    fields.string("a"sv, "x");
    fields.integer("b"sv, 2);
    fields.boolean("c"sv, true);
    fields.string("d"sv, "");
    fields.end(tags);
  });
  CHECK(encoded(GraphiteEncoder(), point.batch()) == "m;a=x;b=2;c=true 1 5\n");
}

TEST_CASE("graphite encoding: a change of a gauge has no form, and the reason is told",
          "[sinks][graphite]") {
  EventBatch points(kMetricOrigin, {}, 5'000'000'000);
  for (const char* line :
       {"g:+1|g", "g:-2:-3|g", "s:a|s", "_sc|db|0|h:web1", "c:1e308|c|@0.1", "g:5|g"})
    add_statsd(points, line);
  const auto lost = unencodable(GraphiteEncoder(), points.batch());
  REQUIRE(lost.size() == 2);
  CHECK(lost[0].frames.first == 0);
  CHECK(lost[0].frames.count == 2);
  CHECK(lost[0].answer ==
        "a change of a gauge (delta) has no form in graphite; statsd.flush makes a value of it");
  CHECK(lost[1].frames.first == 2);
  CHECK(lost[1].frames.count == 3);
  CHECK(lost[1].answer.empty());
  CHECK(encoded(GraphiteEncoder(), points.batch()) == "g 5 5\n");
  CHECK(unencodable(InfluxEncoder(), points.batch()).empty());
}
