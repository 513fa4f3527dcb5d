#include "protocols/core/event.h"

#include <catch2/catch.hpp>
#include <limits>

#include "protocols/core/batch_writer.h"
#include "tests/protocols/events.h"
#include "tests/support/no_rejects.h"

using namespace penstock;
using namespace std::string_view_literals;

namespace {

/// A batch with one block, for events written by hand.
struct Rig {
  explicit Rig(std::size_t block_bytes = 4096) {
    batch.block = std::make_shared<Block>(block_bytes);
    batch.segments.emplace_back();
  }
  BatchWriter writer() { return BatchWriter(batch, batch.block->data() + fill, counts, rejects); }

  Batch batch;
  FrameCounts counts;
  test::NoRejects rejects;
  std::size_t fill = 0;
};

}  // namespace

TEST_CASE("event: every type comes back as it was written, in the order written", "[event]") {
  Rig rig;
  BatchWriter writer = rig.writer();
  FieldWriter fields = writer.begin_event("frame", EventShape::kMetric);
  fields.null("null"sv);
  fields.boolean("yes"sv, true);
  fields.integer("least"sv, std::numeric_limits<std::int64_t>::min());
  fields.unsigned_integer("most"sv, std::numeric_limits<std::uint64_t>::max());
  fields.real("real"sv, 0.1);
  fields.time(Field::kTimestamp, -1);
  fields.number("exact"sv, "123456789012345678901234567890.5");
  fields.string(Field::kHost, "web1");
  fields.bytes("bytes"sv, "\x00\xff"sv);
  const auto map = fields.begin_map(Field::kTags);
  fields.string("a"sv, "b");
  const auto array = fields.begin_array("list"sv);
  fields.integer(Field::kNone, 1);
  const auto inner = fields.begin_map(Field::kNone);
  fields.end(inner);
  fields.end(array);
  fields.end(map);
  fields.string("last"sv, "");
  writer.add_event(fields, kFrameWhole, Shape::kOpaque);
  const auto event = rig.batch.event(0);
  REQUIRE(event);
  CHECK(event->shape() == EventShape::kMetric);
  CHECK(test::to_text(*event) ==
        R"({"null":null,"yes":true,"least":-9223372036854775808,"most":18446744073709551615,)"
        R"("real":0.10000000000000001,"timestamp":@-1,"exact":123456789012345678901234567890.5,)"
        R"("host":"web1","bytes":#00ff,"tags":{"a":"b","list":[1,{}]},"last":""})");
  CHECK(event->find(Field::kHost)->text == "web1");
  CHECK_FALSE(event->find(Field::kApp));
  CHECK(event->text_bytes() == 78);
}

TEST_CASE("event: texts of the frame are referred to, wherever the frame goes", "[event]") {
  Rig rig;
  const std::string frame = "key=value and more";
  const std::string_view view = frame;
  BatchWriter writer = rig.writer();
  FieldWriter fields = writer.begin_event(view, EventShape::kLog);
  fields.string(view.substr(0, 3), view.substr(4, 5));
  writer.add_event(fields, kFrameWhole, Shape::kOpaque);
  // The block has a copy of the frame, and the fields no text at all.
  const auto event = rig.batch.event(0);
  CHECK(test::to_text(*event) == R"({"key":"value"})");
  CHECK(event->frame() == frame);
  CHECK(rig.batch.block->holds(event->frame().data()));
  CHECK(rig.batch.events.fields.size() == 9 + 9 + 9);
}

TEST_CASE("event: what is forgotten was never written", "[event]") {
  Rig rig;
  BatchWriter writer = rig.writer();
  FieldWriter forgotten = writer.begin_event("a", EventShape::kLog);
  forgotten.string(Field::kHost, "long enough to matter");
  forgotten.forget();
  writer.add("b", kFrameWhole, Shape::kOpaque);
  FieldWriter kept = writer.begin_event("c", EventShape::kLog);
  writer.add_event(kept, kFramePartial, Shape::kOpaque);
  CHECK_FALSE(rig.batch.event(0));
  CHECK(rig.batch.bytes(rig.batch.frames[0]) == "b");
  REQUIRE(rig.batch.event(1));
  CHECK(test::to_text(*rig.batch.event(1)) == "{}");
  CHECK_FALSE(rig.batch.event(2));
  CHECK(rig.counts.events == 2);
  CHECK(rig.counts.partial == 1);
}

TEST_CASE("event: a frame that the block has no room for lies among the fields", "[event]") {
  Rig rig(8);
  BatchWriter writer = rig.writer();
  const std::string frame(100, 'x');
  FieldWriter fields = writer.begin_event(frame, EventShape::kLog);
  fields.string(Field::kMessage, std::string_view(frame).substr(90));
  writer.add_event(fields, kFrameWhole, Shape::kOpaque, 7);
  writer.add("123456", kFrameWhole, Shape::kOpaque);  // with its LF, seven bytes: that fits
  writer.add("12", kFrameWhole, Shape::kOpaque);
  CHECK((rig.batch.frames[0].flags & kFrameInFields) != 0);
  CHECK((rig.batch.frames[1].flags & kFrameInFields) == 0);
  CHECK((rig.batch.frames[2].flags & kFrameInFields) != 0);
  CHECK(rig.batch.bytes(rig.batch.frames[0]) == frame);
  CHECK(rig.batch.bytes(rig.batch.frames[1]) == "123456");
  CHECK(rig.batch.bytes(rig.batch.frames[2]) == "12");
  CHECK(test::to_text(*rig.batch.event(0)) == R"({"message":"xxxxxxxxxx"})");
  CHECK_FALSE(rig.batch.segments[0].lines);
  CHECK(rig.counts.in_frames_bytes == 7 + 6 + 2);
}

TEST_CASE("event: a frame of which there is none has the reason, and is counted", "[event]") {
  Rig rig;
  BatchWriter writer = rig.writer();
  writer.add_unparsed("bytes", kFrameTruncated, Shape::kOpaque, {"no number", 3});
  CHECK(rig.batch.frames[0].flags == (kFrameTruncated | kFrameUnparsed));
  CHECK(test::to_text(*rig.batch.event(0)) ==
        R"({"error":"no number","error_offset":3,"message":"bytes"})");
  CHECK(rig.counts.unparsed == 1);
  CHECK(rig.counts.decoded == 1);
  CHECK(to_string(writer.problem()) == "at byte 3: no number");
}

TEST_CASE("field buffer: grows, keeps what is in it, and copies to size", "[event]") {
  FieldBuffer buffer;
  std::string all;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = std::to_string(i);
    buffer.append(text.data(), text.size());
    all += text;
  }
  CHECK(std::string_view(buffer.data(), buffer.size()) == all);
  FieldBuffer copy;
  copy.assign(buffer);
  CHECK(copy.capacity() == all.size());
  CHECK(std::string_view(copy.data(), copy.size()) == all);
  FieldBuffer moved = std::move(buffer);
  CHECK(moved.size() == all.size());
  copy.assign(FieldBuffer());
  CHECK(copy.size() == 0);
  CHECK(copy.capacity() == all.size());  // kept for the next one
}
