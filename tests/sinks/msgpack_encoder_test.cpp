#include "server/sinks/msgpack_encoder.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "server/sinks/msgpack_walk.h"
#include "server/sinks/msgpack_writer.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"
#include "tests/support/msgpack_text.h"

using namespace penstock;
using namespace std::string_literals;
using namespace std::string_view_literals;
using test::encoded;
using test::EventBatch;
using test::msgpack_texts;

namespace {

const Origin kOrigin{"in", "udp://127.0.0.1:1"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;
const std::string kHead =
    R"({"time":@1795572918123456789,"listener":"in","url":"udp://127.0.0.1:1",)"
    R"("peer":{"address":"192.0.2.1","port":40000},"flags":[)";

EventBatch batch() { return EventBatch(kOrigin, kPeer, kTime); }

/// What `write` writes of MessagePack; measured, it has the same size.
template <class Write>
std::string packed(Write&& write) {
  MsgpackSize size;
  MsgpackWriter<MsgpackSize> measure(size);
  write(measure);
  std::string out(size.bytes, '\0');
  MsgpackMemory memory{out.data()};
  MsgpackWriter<MsgpackMemory> to(memory);
  write(to);
  CHECK(memory.at == out.data() + out.size());
  return out;
}

std::string packed_time(std::int64_t ns) {
  return packed([&](auto& to) { to.time(ns); });
}

}  // namespace

TEST_CASE("MessagePack: each integer in its shortest form", "[sinks][msgpack]") {
  const auto [value, bytes] = GENERATE(table<std::int64_t, std::string>({
      {0, "\0"s},
      {127, "\x7f"},
      {128, "\xcc\x80"},
      {255, "\xcc\xff"},
      {256, "\xcd\x01\0"s},
      {65535, "\xcd\xff\xff"},
      {65536, "\xce\0\x01\0\0"s},
      {4294967295, "\xce\xff\xff\xff\xff"},
      {4294967296, "\xcf\0\0\0\x01\0\0\0\0"s},
      {INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"},
      {-1, "\xff"},
      {-32, "\xe0"},
      {-33, "\xd0\xdf"},
      {-128, "\xd0\x80"},
      {-129, "\xd1\xff\x7f"},
      {-32768, "\xd1\x80\0"s},
      {-32769, "\xd2\xff\xff\x7f\xff"},
      {INT32_MIN, "\xd2\x80\0\0\0"s},
      {std::int64_t{INT32_MIN} - 1, "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"},
      {INT64_MIN, "\xd3\x80\0\0\0\0\0\0\0"s},
  }));
  CAPTURE(value);
  const std::int64_t number = value;
  CHECK(packed([&](auto& to) { to.integer(number); }) == bytes);
  if (number < 0) return;
  CHECK(packed([&](auto& to) { to.unsigned_integer(static_cast<std::uint64_t>(number)); }) ==
        bytes);
}

TEST_CASE("MessagePack: doubles stay doubles", "[sinks][msgpack]") {
  CHECK(packed([](auto& to) { to.real(3); }) == "\xcb\x40\x08\0\0\0\0\0\0"s);
  CHECK(packed([](auto& to) { to.real(-0.0); }) == "\xcb\x80\0\0\0\0\0\0\0"s);
  CHECK(packed([](auto& to) { to.unsigned_integer(UINT64_MAX); }) ==
        "\xcf\xff\xff\xff\xff\xff\xff\xff\xff");
}

TEST_CASE("MessagePack: heads of texts, bytes, maps and arrays by their size", "[sinks][msgpack]") {
  const auto [size, text, bytes, map, array] =
      GENERATE(table<std::size_t, std::string, std::string, std::string, std::string>({
          {0, "\xa0", "\xc4\0"s, "\x80", "\x90"},
          {15, "\xaf", "\xc4\x0f", "\x8f", "\x9f"},
          {16, "\xb0", "\xc4\x10", "\xde\0\x10"s, "\xdc\0\x10"s},
          {31, "\xbf", "\xc4\x1f", "\xde\0\x1f"s, "\xdc\0\x1f"s},
          {32, "\xd9\x20", "\xc4\x20", "\xde\0\x20"s, "\xdc\0\x20"s},
          {255, "\xd9\xff", "\xc4\xff", "\xde\0\xff"s, "\xdc\0\xff"s},
          {256, "\xda\x01\0"s, "\xc5\x01\0"s, "\xde\x01\0"s, "\xdc\x01\0"s},
          {65535, "\xda\xff\xff", "\xc5\xff\xff", "\xde\xff\xff", "\xdc\xff\xff"},
          {65536, "\xdb\0\x01\0\0"s, "\xc6\0\x01\0\0"s, "\xdf\0\x01\0\0"s, "\xdd\0\x01\0\0"s},
      }));
  CAPTURE(size);
  const std::size_t count = size;
  const std::string content(count, 'x');
  CHECK(packed([&](auto& to) { to.text(content); }) == text + content);
  CHECK(packed([&](auto& to) { to.bytes(content); }) == bytes + content);
  CHECK(packed([&](auto& to) { to.map(count); }) == map);
  CHECK(packed([&](auto& to) { to.array(count); }) == array);
}

TEST_CASE("MessagePack: timestamps of 4, 8 and 12 bytes", "[sinks][msgpack]") {
  CHECK(packed_time(0) == "\xd6\xff\0\0\0\0"s);
  CHECK(packed_time(4'294'967'295'000'000'000) == "\xd6\xff\xff\xff\xff\xff");
  CHECK(packed_time(1) == "\xd7\xff\0\0\0\x04\0\0\0\0"s);
  CHECK(packed_time(4'294'967'296'000'000'000) == "\xd7\xff\0\0\0\x01\0\0\0\0"s);
  CHECK(packed_time(-1) == "\xc7\x0c\xff\x3b\x9a\xc9\xff\xff\xff\xff\xff\xff\xff\xff\xff"s);
  CHECK(packed_time(-1'000'000'000) == "\xc7\x0c\xff\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"s);
  CHECK(packed_time(INT64_MIN) == "\xc7\x0c\xff\x08\xa7\xf2\0\xff\xff\xff\xfd\xda\x3e\x82\xfb"s);
  // The reader wants the whole seconds to fit into 64 bits as well.
  for (const std::int64_t ns : {INT64_MIN + 1'000'000'000, INT64_MAX, kTime}) {
    const std::string map = "\x81\xa1t" + packed_time(ns);
    CHECK(msgpack_texts(map) == std::vector<std::string>{"{\"t\":@" + std::to_string(ns) + '}'});
  }
}

TEST_CASE("msgpack encoding: an event of each type", "[sinks][msgpack]") {
  EventBatch one = batch();
  one.event(
      EventShape::kLog,
      [](FieldWriter& fields) {
        fields.string(Field::kHost, "web1");
        fields.time(Field::kTimestamp, 1'500'000'000'000'000'001);
        fields.real("whole"sv, 3);
        fields.integer("least"sv, INT64_MIN);
        fields.unsigned_integer("most"sv, UINT64_MAX);
        fields.number("exact"sv, "1e400");
        fields.null("null"sv);
        fields.boolean("no"sv, false);
        fields.boolean("yes"sv, true);
        fields.bytes("bytes"sv, "\xff\x00"sv);
        fields.string("latin"sv, "\xfc");
        const auto map = fields.begin_map(Field::kFields);
        const auto array = fields.begin_array("list"sv);
        fields.string(Field::kNone, "a");
        const auto inner = fields.begin_map(Field::kNone);
        fields.end(inner);
        fields.end(array);
        fields.end(map);
      },
      "frame", kFramePartial | kFrameTruncated);
  CHECK(msgpack_texts(encoded(MsgpackEncoder(), one.batch())) ==
        std::vector<std::string>{
            kHead + R"("truncated","partial"],"host":"web1","timestamp":@1500000000000000001,)"
                    R"("whole":3.0,"least":-9223372036854775808,"most":18446744073709551615,)"
                    R"("exact":"1e400","null":null,"no":false,"yes":true,"bytes":#ff00,)"
                    R"("latin":#fc,"fields":{"list":["a",{}]}})"});
}

TEST_CASE("msgpack encoding: records without an event, and what was not parsed",
          "[sinks][msgpack]") {
  EventBatch some = batch();
  some.record("text\n").record("\xff").unparsed("a", {"no number", 2}).record("");
  CHECK(msgpack_texts(encoded(MsgpackEncoder(), some.batch())) ==
        std::vector<std::string>{
            kHead + R"(],"message":"text\x0a"})", kHead + R"(],"message":#ff})",
            kHead + R"("unparsed"],"error":"no number","error_offset":2,"message":"a"})",
            kHead + R"(],"message":""})"});
}

TEST_CASE("msgpack encoding: who sent it, where the segments change", "[sinks][msgpack]") {
  Peer process{.kind = Peer::Kind::kUnix, .pid = 7, .uid = 1, .gid = 2};
  set_command(process, "\xfclogger");
  const Peer user{.kind = Peer::Kind::kUnix, .uid = 1, .gid = 2};
  const Origin other{"m\xfc", "unix:///s"};
  const Batch many = test::BatchBuilder()
                         .opaque(kOrigin, process, 1, {"a"})
                         .opaque(other, user, 0, {"b", "c"})
                         .opaque(other, {}, 0, {"d"})
                         .take();
  CHECK(
      msgpack_texts(encoded(MsgpackEncoder(), many)) ==
      std::vector<std::string>{
          R"({"time":@1,"listener":"in","url":"udp://127.0.0.1:1","peer":{"pid":7,"uid":1,"gid":2,)"
          R"("command":#fc6c6f67676572},"flags":[],"message":"a"})",
          R"({"time":@0,"listener":#6dfc,"url":"unix:///s","peer":{"uid":1,"gid":2},"flags":[],"message":"b"})",
          R"({"time":@0,"listener":#6dfc,"url":"unix:///s","peer":{"uid":1,"gid":2},"flags":[],"message":"c"})",
          R"({"time":@0,"listener":#6dfc,"url":"unix:///s","peer":{},"flags":[],"message":"d"})"});
}

TEST_CASE("msgpack encoding: events larger than a buffer, and the dearest ones",
          "[sinks][msgpack]") {
  EventBatch many = batch();
  for (int i = 0; i < 20; ++i) {
    many.event(EventShape::kLog, [&](FieldWriter& fields) {
      for (int at = 0; at < 5000; ++at) fields.null(Field::kStructuredData);
      fields.string(Field::kText, std::string(60'000, 'x'));
    });
  }
  const auto texts = msgpack_texts(encoded(MsgpackEncoder(), many.batch()));
  CHECK(texts.size() == 20);
  CHECK(texts.front() == texts.back());
}

TEST_CASE("msgpack walk: finds the whole records however the file is read", "[sinks][msgpack]") {
  EventBatch some = batch();
  some.record("a").record(std::string(300, 'b')).event(EventShape::kLog, [](FieldWriter& fields) {
    const auto map = fields.begin_map(Field::kFields);
    fields.real("real"sv, 0.5);
    fields.end(map);
  });
  const std::string bytes = encoded(MsgpackEncoder(), some.batch());
  std::vector<std::int64_t> ends = {0};
  for (std::size_t frame = 0; frame < 3; ++frame)
    ends.push_back(ends.back() + static_cast<std::int64_t>(MsgpackEncoder().encoded_bytes(
                                     some.batch(), some.batch().segments[0], frame)));
  const std::size_t step = GENERATE(1, 2, 3, 7, 1000);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    MsgpackWalk walk;
    for (std::size_t at = 0; at < size; at += step)
      REQUIRE(walk.take(std::string_view(bytes).substr(at, std::min(step, size - at))));
    const auto behind = std::upper_bound(ends.begin(), ends.end(), static_cast<std::int64_t>(size));
    REQUIRE(walk.whole_bytes() == *(behind - 1));
  }
  CHECK(ends.back() == static_cast<std::int64_t>(bytes.size()));
}

TEST_CASE("msgpack walk: what is no map is no record", "[sinks][msgpack]") {
  for (const std::string_view other :
       {"text"sv, "\x90"sv, "\xc1"sv, "\0"sv, "{\"a\":1}\n"sv, "\x81\xc1"sv}) {
    MsgpackWalk walk;
    CHECK(walk.take("\x80\x81\xa1k\x01"));
    CHECK_FALSE(walk.take(other));
    CHECK(walk.whole_bytes() == 5);
  }
}
