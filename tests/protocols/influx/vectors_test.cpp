#include <simdjson.h>
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "protocols/influx/decoder.h"
#include "tests/protocols/events.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/influx/corpus.h"

namespace {

using namespace penstock;
using simdjson::dom::element;
using test::corpus_file;
using test::text_of;
using test::write_value;

InfluxOptions options_of(std::string_view precision) {
  using enum InfluxOptions::Precision;
  const std::map<std::string_view, InfluxOptions::Precision> names = {
      {"1ns", kNanoseconds}, {"1µs", kMicroseconds}, {"1ms", kMilliseconds}, {"1s", kSeconds}};
  return {names.at(precision)};
}

/// The time of a point without one, in the unit of its timestamps.
std::int64_t in_unit(std::int64_t ns, std::string_view precision) {
  const std::map<std::string_view, std::int64_t> units = {
      {"1ns", 1}, {"1µs", 1'000}, {"1ms", 1'000'000}, {"1s", 1'000'000'000}};
  return ns - ns % units.at(precision);
}

/// What the event of a point must be; the corpus gives points without a time its default one.
std::string expected(element point, std::int64_t default_time) {
  FieldBuffer buffer;
  FieldWriter fields(buffer, {}, EventShape::kMetric);
  fields.string(Field::kName, text_of(point["name"]));
  if (point["tags"].get_array().size() != 0) {
    const auto map = fields.begin_map(Field::kTags);
    for (element tag : point["tags"].get_array())
      fields.string(std::string_view(text_of(tag["key"])), text_of(tag["value"]));
    fields.end(map);
  }
  const auto map = fields.begin_map(Field::kFields);
  for (element field : point["fields"].get_array())
    write_value(fields, text_of(field["key"]), field["value"]);
  fields.end(map);
  if (const std::int64_t time = point["time"].get_int64(); time != default_time)
    fields.time(Field::kTimestamp, time);
  return test::to_text(Event(buffer.data() + fields.finish(), {}));
}

/// The event with its tags in the order of their names, as the corpus lists them. -0 is what the corpus calls 0.
std::string with_sorted_tags(const Event& event, std::int64_t default_time) {
  FieldBuffer buffer;
  FieldWriter fields(buffer, {}, EventShape::kMetric);
  FieldReader reader = event.fields();
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.id == Field::kName) fields.string(Field::kName, entry.value.text);
    if (entry.id == Field::kTimestamp && entry.value.integer != default_time)
      fields.time(Field::kTimestamp, entry.value.integer);
    if (entry.id == Field::kTags) {
      std::map<std::string, std::string_view> tags;
      FieldReader children = entry.value.children;
      for (FieldEntry tag; children.next(tag);) tags[std::string(tag.name)] = tag.value.text;
      const auto map = fields.begin_map(Field::kTags);
      for (const auto& [name, value] : tags) fields.string(std::string_view(name), value);
      fields.end(map);
    }
    if (entry.id == Field::kFields) {
      const auto map = fields.begin_map(Field::kFields);
      FieldReader children = entry.value.children;
      for (FieldEntry field; children.next(field);) {
        const FieldValue& value = field.value;
        if (value.type == FieldType::kInt64) fields.integer(field.name, value.integer);
        if (value.type == FieldType::kUint64)
          fields.unsigned_integer(field.name, value.unsigned_integer);
        if (value.type == FieldType::kBool) fields.boolean(field.name, value.boolean);
        if (value.type == FieldType::kDouble) fields.real(field.name, value.real + 0.0);
        if (value.type == FieldType::kString) fields.string(field.name, value.text);
      }
      fields.end(map);
    }
  }
  return test::to_text(Event(buffer.data() + fields.finish(), {}));
}

struct Nothing final : RejectHandler, Replies {
  void on_reject(Reason, std::string_view, const Problem&, const Segment&) override {}
  void send(std::string_view) override {}
};

struct Decoded {
  std::vector<std::string> events;
  std::uint64_t unparsed = 0;
};

Decoded decode(std::string_view text, const InfluxOptions& options, std::int64_t default_time) {
  const auto decoder = make_influx_decoder({}, options);
  Batch batch;
  batch.block = std::make_shared<Block>(2 * text.size() + 64);
  batch.segments.emplace_back();
  FrameCounts counts;
  Nothing nothing;
  BatchWriter writer(batch, batch.block->data(), counts, nothing);
  decoder->on_datagram(text, text.size(), {}, writer, nothing);
  Decoded out;
  out.unparsed = counts.unparsed;
  for (std::size_t at = 0; at < batch.frames.size(); ++at)
    out.events.push_back(with_sorted_tags(*batch.event(at), default_time));
  return out;
}

}  // namespace

TEST_CASE("influx: every decode case of the public corpus", "[influx][vectors]") {
  if (!exists(corpus_file())) {
    WARN("SKIPPED, because there is no " << corpus_file()
                                         << "; PENSTOCK_VECTORS may name its folder");
    return;
  }
  simdjson::dom::parser parser;
  const element corpus = parser.load(corpus_file().string());
  std::size_t cases = 0;
  for (const auto [key, row] : corpus["decode"].get_object()) {
    const std::string text = text_of(row["input"]["text"]);
    const std::string_view precision = row["input"]["precision"].get_string();
    const std::int64_t default_time = in_unit(row["input"]["defaultTime"].get_int64(), precision);
    CAPTURE(key, text);
    const Decoded got = decode(text, options_of(precision), default_time);
    element points;
    if (row["output"]["result"].get(points) != simdjson::SUCCESS) {
      CHECK(got.unparsed != 0);
    } else {
      std::vector<std::string> events;
      for (element point : points.get_array()) events.push_back(expected(point, default_time));
      CHECK(got.unparsed == 0);
      CHECK(got.events == events);
    }
    ++cases;
  }
  WARN("decode cases of the corpus: " << cases);
  CHECK(cases > 3000);
}
