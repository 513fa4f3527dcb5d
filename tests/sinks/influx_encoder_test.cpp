#include "server/sinks/influx_encoder.h"

#include <array>
#include <catch2/catch.hpp>

#include "protocols/influx/decoder.h"
#include "tests/protocols/feed.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using test::encoded;
using test::EventBatch;

namespace {

const Origin kInfluxOrigin{"in", "udp://127.0.0.1:1"};

std::string influx(const std::function<void(FieldWriter&)>& write) {
  EventBatch point(kInfluxOrigin, {}, 5);
  point.event(EventShape::kMetric, write);
  const std::string line = encoded(InfluxEncoder(), point.batch());
  CHECK(InfluxEncoder().encodes(point.batch(), 0) == !line.empty());
  return line;
}

/// A point all of whose texts are `text`, behind others that make it one where `text` is nothing that can be written.
std::string point_of(std::string_view text) {
  return influx([&](FieldWriter& fields) {
    fields.string(Field::kName, "m" + std::string(text));
    const auto tags = fields.begin_map(Field::kTags);
    fields.string("a"sv, text);
    fields.string(text, "b");
    fields.string(std::string_view("a" + std::string(text)), text);
    fields.end(tags);
    const auto values = fields.begin_map(Field::kFields);
    fields.integer("i"sv, 1);
    fields.string("s"sv, text);
    fields.real(text, 0.5);
    fields.number("n"sv, text);
    fields.end(values);
  });
}

std::string named(std::string_view name) {
  return influx([&](FieldWriter& fields) {
    fields.string(Field::kName, name);
    fields.integer(Field::kValue, 1);
  });
}

std::vector<std::string> decoded(const std::string& lines) {
  test::Feed reader(make_influx_decoder({}, {}));
  CHECK(reader.read(lines));
  reader.end(EndReason::kFin);
  return reader.events();
}

/// All texts of up to three parts that mean something to a reader.
template <class Visit>
void visit_odd_texts(Visit&& visit) {
  static constexpr std::array kParts = {""sv,   "a"sv,  "\\"sv, ","sv,    "="sv,    " "sv,
                                        "\""sv, "#"sv,  "\n"sv, "\t"sv,   "\r"sv,   "\x01"sv,
                                        "\0"sv, "1i"sv, "é"sv,  "\x7f"sv, "\xff"sv, "\xc3"sv};
  for (const std::string_view first : kParts) {
    for (const std::string_view second : kParts) {
      for (const std::string_view third : kParts)
        visit(std::string(first).append(second).append(third));
    }
  }
}

}  // namespace

TEST_CASE("influx encoding: our decoder takes each line, whatever is in its texts",
          "[sinks][influx]") {
  std::string lines;
  std::size_t points = 0;
  visit_odd_texts([&](const std::string& text) {
    for (const std::string& line : {point_of(text), named(text)}) {
      lines += line;
      points += line.empty() ? 0 : 1;
    }
  });
  const std::vector<std::string> events = decoded(lines);
  CHECK(events.size() == points);
  for (const std::string& event : events) {
    CAPTURE(event);
    CHECK(event.starts_with("{\"name\":"));
  }
}

TEST_CASE("influx encoding: controls and what is no UTF-8 in names", "[sinks][influx]") {
  CHECK(point_of("\t\r\n\x01\x7f\xff") ==
        "m\\t\\r\\n__\xef\xbf\xbd,a=\\t\\r\\n__\xef\xbf\xbd,\\t\\r\\n__\xef\xbf\xbd=b,"
        "a\\t\\r\\n__\xef\xbf\xbd=\\t\\r\\n__\xef\xbf\xbd "
        "i=1i,s=\"\t\r\n\x01\x7f\xef\xbf\xbd\",\\t\\r\\n__\xef\xbf\xbd=0.5 5\n");
}

TEST_CASE("influx encoding: no line is a comment", "[sinks][influx]") {
  CHECK(named("#c").empty());
  CHECK(named(" #c") == "\\ #c value=1 5\n");
  CHECK(named("c#") == "c# value=1 5\n");
}

TEST_CASE("influx encoding: of tags with the same key the last one stays", "[sinks][influx]") {
  const std::string line = influx([](FieldWriter& fields) {
    fields.string(Field::kName, "m");
    fields.string(Field::kKind, "gauge");
    fields.integer(Field::kValue, 1);
    const auto tags = fields.begin_map(Field::kTags);
    fields.string("x"sv, "1");
    fields.string("metric_type"sv, "sent");
    fields.string("b\\"sv, "1");
    fields.string("x"sv, "2");
    fields.string("b"sv, "2");
    fields.string("x"sv, "");
    fields.end(tags);
  });
  CHECK(line == "m,x=2,b=2,metric_type=gauge value=1 5\n");
}

TEST_CASE("influx encoding: numbers that no double holds are left out", "[sinks][influx]") {
  CHECK(influx([](FieldWriter& fields) {
          fields.string(Field::kName, "m");
          const auto values = fields.begin_map(Field::kFields);
          fields.number("large"sv, "1e400");
          fields.number("long"sv, "123456789012345678901");
          fields.end(values);
        }) == "m long=123456789012345678901 5\n");
}
