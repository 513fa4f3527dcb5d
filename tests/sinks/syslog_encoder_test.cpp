#include <catch2/catch.hpp>
#include <functional>

#include "server/sinks/syslog_encoder.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using test::EventBatch;

namespace {

const Origin kOrigin{"in", "udp://127.0.0.1:1"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;  // 2026-11-25 02:15:18
const std::string kHead = "<13>1 2026-11-25T02:15:18.123456Z 192.0.2.1 ";

using Write = std::function<void(FieldWriter&)>;

std::string syslog(const Write& write) {
  EventBatch record(kOrigin, kPeer, kTime);
  record.event(EventShape::kLog, write);
  return test::encoded(SyslogEncoder(), record.batch());
}

/// Of an event whose `fields` `write` writes.
std::string syslog_of_fields(const Write& write) {
  return syslog([&](FieldWriter& fields) {
    const auto map = fields.begin_map(Field::kFields);
    write(fields);
    fields.end(map);
  });
}

std::string with_params(const std::string& params) {
  return kHead + "- - - [fields@32473" + params + "]\n";
}

}  // namespace

TEST_CASE("syslog encoding: every field of an event stands somewhere", "[sinks][syslog]") {
  CHECK(syslog([](FieldWriter& fields) {
          fields.integer(Field::kSeverity, 9);
          fields.string(Field::kTag, "app.web");
          const auto metadata = fields.begin_map("metadata"sv);
          fields.string("x"sv, "y");
          fields.end(metadata);
          fields.string(Field::kMessage, "text");
          fields.string("full_message"sv, "trace\nline");
          const auto own = fields.begin_map(Field::kFields);
          fields.boolean("a"sv, true);
          fields.end(own);
        }) == kHead +
                  "app.web - - [fields@32473 severity=\"9\" metadata.x=\"y\" "
                  "full_message=\"trace#012line\" a=\"true\"] text\n");
  CHECK(syslog([](FieldWriter& fields) {
          fields.string(Field::kApp, "app");
          fields.string(Field::kTag, "tag");
          const auto tags = fields.begin_map(Field::kTags);
          fields.string("plugin"sv, "load");
          fields.end(tags);
        }) == kHead + "app - - [fields@32473 tag=\"tag\" tags.plugin=\"load\"]\n");
}

TEST_CASE("syslog encoding: a tag that does not fit as it is stands among the fields, too",
          "[sinks][syslog]") {
  const std::string tag = GENERATE(std::string("my tag"), std::string(49, 't'));
  const std::string app = tag == "my tag" ? "my_tag" : std::string(48, 't');
  CHECK(syslog([&](FieldWriter& fields) { fields.string(Field::kTag, tag); }) ==
        kHead + app + " - - [fields@32473 tag=\"" + tag + "\"]\n");
}

TEST_CASE("syslog encoding: a full message is the text where there is no other",
          "[sinks][syslog]") {
  CHECK(syslog([](FieldWriter& fields) { fields.string("full_message"sv, "trace\nline"); }) ==
        kHead + "- - - - trace#012line\n");
}

TEST_CASE("syslog encoding: an event without other fields has no element for them",
          "[sinks][syslog]") {
  CHECK(syslog([](FieldWriter& fields) {
          fields.end(fields.begin_map(Field::kFields));
          fields.string(Field::kMessage, "text");
        }) == kHead + "- - - - text\n");
}

TEST_CASE("syslog encoding: no element comes twice", "[sinks][syslog]") {
  CHECK(syslog([](FieldWriter& fields) {
          const auto data = fields.begin_map(Field::kStructuredData);
          const auto element = fields.begin_map("fields@32473"sv);
          fields.string("a"sv, "1");
          fields.end(element);
          fields.end(fields.begin_map("b@1"sv));
          fields.end(data);
          const auto own = fields.begin_map(Field::kFields);
          fields.integer("c"sv, 2);
          fields.end(own);
        }) == kHead + "- - - [fields@32473 a=\"1\" c=\"2\"][b@1]\n");
}

TEST_CASE("syslog encoding: a record that was not parsed says why", "[sinks][syslog]") {
  EventBatch record(kOrigin, kPeer, kTime);
  record.unparsed("a\"b", {"no number", 2});
  CHECK(test::encoded(SyslogEncoder(), record.batch()) ==
        kHead + "- - - [fields@32473 error=\"no number\" error_offset=\"2\"] a\"b\n");
}

TEST_CASE("syslog encoding: long names with the same front or the same end stay different",
          "[sinks][syslog]") {
  const std::string message = syslog_of_fields([](FieldWriter& fields) {
    const auto outer = fields.begin_map("kubernetes"sv);
    const auto labels = fields.begin_map("labels"sv);
    fields.string("app.kubernetes.io/name"sv, "n");
    fields.string("app.kubernetes.io/instance"sv, "i");
    fields.end(labels);
    const auto others = fields.begin_map("annotations"sv);
    fields.string("app.kubernetes.io/name"sv, "a");
    fields.end(others);
    fields.string("just.32.bytes.long..."sv, "j");
    fields.end(outer);
  });
  CHECK(message == with_params(" 931d59db~.app.kubernetes.io/name=\"n\""
                               " c47e7aa3~.kubernetes.io/instance=\"i\""
                               " b6b08f7e~.app.kubernetes.io/name=\"a\""
                               " kubernetes.just.32.bytes.long...=\"j\""));
}

TEST_CASE("syslog encoding: names of structured data are cut in the same way", "[sinks][syslog]") {
  const std::string name(40, 'n');
  const std::string message = syslog([&](FieldWriter& fields) {
    const auto data = fields.begin_map(Field::kStructuredData);
    const auto element = fields.begin_map(std::string_view(name + "@1"));
    fields.string(std::string_view(name), "v");
    fields.end(element);
    fields.end(data);
  });
  const std::string cut(23, 'n');
  const std::size_t id = message.find("~" + cut.substr(2) + "@1 ");
  REQUIRE(id != std::string::npos);
  CHECK(message.find("~" + cut + "=\"v\"]\n") != std::string::npos);
}

// Work grows with what is there: copied for each value, the name alone would be 100 GB.
TEST_CASE("syslog encoding: many values under a name of a megabyte", "[sinks][syslog]") {
  constexpr int kValues = 100'000;
  const std::string name(std::size_t{1} << 20, 'k');
  EventBatch record(kOrigin, kPeer, kTime);
  record.event(
      EventShape::kLog,
      [&](FieldWriter& fields) {
        const auto map = fields.begin_map(Field::kFields);
        const auto values = fields.begin_map(std::string_view(name));
        for (int at = 0; at < kValues; ++at)
          fields.integer(std::string_view(std::to_string(at)), at);
        fields.end(values);
        fields.end(map);
      },
      name);
  const std::string message = test::encoded(SyslogEncoder(), record.batch());
  CHECK(message.find("~kkkkkkkkkkkkkkkkkkkkk.7=\"7\" ") != std::string::npos);
  CHECK(message.ends_with("~kkkkkkkkkkkkkkkkk.99999=\"99999\"]\n"));
}

TEST_CASE("syslog encoding: parameters are UTF-8", "[sinks][syslog]") {
  CHECK(syslog_of_fields([](FieldWriter& fields) {
          fields.bytes("b"sv, "\xff\x00"sv);
          fields.string("s"sv, "a\xff\xc3\xa9");
        }) == with_params(" b=\"/wA=\" s=\"a\xef\xbf\xbd\xc3\xa9\""));
}
