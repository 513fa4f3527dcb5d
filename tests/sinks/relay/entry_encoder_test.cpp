#include "server/sinks/relay/entry_encoder.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "protocols/forward/decoder.h"
#include "protocols/forward/values.h"
#include "tests/protocols/feed.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using test::encoded;
using test::EventBatch;
using Texts = std::vector<std::string>;

namespace {

const Origin kOrigin{"in", "udp://127.0.0.1:1"};
constexpr std::int64_t kReceived = 1'795'572'918'123'456'789, kSaid = 1'441'588'984'000'000'005;

EventBatch batch() { return EventBatch(kOrigin, {}, kReceived); }

/// What a listener of protocol "forward" makes of the entries.
Texts there(const Batch& batch) {
  std::string message = "\x92\xa1t";
  forward::append_bytes(message, encoded(EntryEncoder(), batch));
  test::Feed feed(make_forward_decoder({.max_frame_bytes = 1 << 20}, {}));
  CHECK(feed.read(message));
  return feed.events();
}

std::string event(std::string_view time, std::string_view fields) {
  return R"({"tag":"t","timestamp":@)" + std::string(time) + R"(,"fields":{)" +
         std::string(fields) + "}}";
}

const auto kShape = EventShape::kLog;

}  // namespace

TEST_CASE("entries: a record without event is a message, received when it was",
          "[relay][forward]") {
  CHECK(encoded(EntryEncoder(), batch().record("hi").batch()) ==
        "\x92\xd7\0\x6b\x06\x44\xb6\x07\x5b\xcd\x15\x81\xa7message\xa2hi"sv);
  CHECK(there(batch().record("one").record("\xff").batch()) ==
        Texts{event("1795572918123456789", R"("message":"one")"),
              event("1795572918123456789", R"("message":#ff)")});
}

TEST_CASE("entries: an event keeps its fields and their types, its time is the entry's",
          "[relay][forward]") {
  const auto write = [](FieldWriter& fields) {
    fields.time(Field::kTimestamp, kSaid);
    fields.string(Field::kHost, "web1");
    fields.integer(Field::kSeverity, -3);
    fields.unsigned_integer("big"sv, UINT64_MAX);
    fields.real("real"sv, 0.5);
    fields.boolean("yes"sv, true);
    fields.null("nothing"sv);
    fields.time("when"sv, kSaid);
    fields.time("before"sv, -1);
    const auto map = fields.begin_map("map"sv);
    const auto list = fields.begin_array("list"sv);
    fields.integer(Field::kNone, 1);
    fields.end(list);
    fields.end(map);
  };
  CHECK(there(batch().event(kShape, write).batch()) ==
        Texts{event("1441588984000000005",
                    R"("host":"web1","severity":-3,"big":18446744073709551615,"real":0.5,)"
                    R"("yes":true,"nothing":null,"when":@1441588984000000005,"before":@-1,)"
                    R"("map":{"list":[1]})")});
}

TEST_CASE("entries: what came over Forward protocol goes on as it came", "[relay][forward]") {
  const auto write = [](bool metadata, bool more) {
    return [=](FieldWriter& fields) {
      fields.string(Field::kTag, "t");
      fields.time(Field::kTimestamp, kSaid);
      if (metadata) {
        const auto map = fields.begin_map("metadata"sv);
        fields.integer("m"sv, 1);
        fields.end(map);
      }
      const auto map = fields.begin_map(Field::kFields);
      fields.string("k"sv, "v");
      fields.end(map);
      if (more) fields.string(Field::kHost, "web1");
    };
  };
  CHECK(there(batch().event(kShape, write(false, false)).batch()) ==
        Texts{event("1441588984000000005", R"("k":"v")")});
  CHECK(there(batch().event(kShape, write(true, false)).batch()) ==
        Texts{R"({"tag":"t","timestamp":@1441588984000000005,"metadata":{"m":1},)"
              R"("fields":{"k":"v"}})"});
  CHECK(there(batch().event(kShape, write(true, true)).batch()) ==
        Texts{event("1441588984000000005",
                    R"("tag":"t","metadata":{"m":1},"fields":{"k":"v"},"host":"web1")")});
}

TEST_CASE("entries: times that EventTime does not have are whole seconds", "[relay][forward]") {
  const auto [ns, text] = GENERATE(table<std::int64_t, std::string>({
      {4'294'967'293'999'999'999, "4294967293999999999"},
      {4'294'967'294'999'999'999, "4294967294000000000"},
      {4'294'967'295'999'999'999, "4294967295000000000"},
      {4'294'967'296'999'999'999, "4294967296000000000"},
      {-1, "-1000000000"},
      {-1'000'000'000, "-1000000000"},
  }));
  const auto write = [ns = ns](FieldWriter& fields) {
    fields.time(Field::kTimestamp, ns);
    fields.string(Field::kMessage, "m");
  };
  CHECK(there(batch().event(kShape, write).batch()) == Texts{event(text, R"("message":"m")")});
}
