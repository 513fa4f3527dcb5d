#include <catch2/catch.hpp>
#include <map>

#include "server/sinks/influx_encoder.h"
#include "tests/protocols/influx/corpus.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using simdjson::dom::element;
using test::text_of;

namespace {

void write_point(FieldWriter& fields, element point) {
  fields.string(Field::kName, text_of(point["name"]));
  const auto tags = fields.begin_map(Field::kTags);
  for (element tag : point["tags"].get_array())
    fields.string(std::string_view(text_of(tag["key"])), text_of(tag["value"]));
  fields.end(tags);
  const auto map = fields.begin_map(Field::kFields);
  for (element field : point["fields"].get_array())
    test::write_value(fields, text_of(field["key"]), field["value"]);
  fields.end(map);
  fields.time(Field::kTimestamp, point["time"].get_int64());
}

std::string encoded_point(element point) {
  static const Origin kOrigin{"in", "udp://127.0.0.1:1"};
  test::EventBatch batch(kOrigin, {}, 0);
  batch.event(EventShape::kMetric, [&](FieldWriter& fields) { write_point(fields, point); });
  return test::encoded(InfluxEncoder(), batch.batch());
}

/// What the corpus says, but for two of its cases:
/// - 6632243 is the shortest form of that number; the corpus has the exponent that Go prints.
/// - An empty tag is an error to the corpus. Here it is left out, as Telegraf does: agents send such tags, and their points
///   say the same without them.
std::string expected_line(element row) {
  static const std::map<std::string, std::string> kOwn = {
      {"cpu value=6.632243e+06 1000000000", "cpu value=6632243 1000000000"},
      {"invalid tag value something=\"\"", "cpu value=42 0"}};
  const element output = row["output"];
  element text;
  if (output["result"].get(text) != simdjson::SUCCESS) text = output["error"];
  const std::string line = text_of(text);
  const auto own = kOwn.find(line);
  return (own == kOwn.end() ? line : own->second) + '\n';
}

}  // namespace

TEST_CASE("influx encoding: every encode case of the public corpus", "[sinks][influx][vectors]") {
  if (!exists(test::corpus_file())) {
    WARN("SKIPPED, because there is no " << test::corpus_file()
                                         << "; PENSTOCK_VECTORS may name its folder");
    return;
  }
  simdjson::dom::parser parser;
  const element corpus = parser.load(test::corpus_file().string());
  std::size_t cases = 0;
  for (const auto [key, row] : corpus["encode"].get_object()) {
    CAPTURE(key);
    CHECK(row["input"]["precision"].get_string().value() == "1ns");
    CHECK(encoded_point(row["input"]["point"]) == expected_line(row));
    ++cases;
  }
  WARN("encode cases of the corpus: " << cases);
  CHECK(cases > 50);
}
