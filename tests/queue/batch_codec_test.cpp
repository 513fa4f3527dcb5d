#include "server/queue/batch_codec.h"

#include <catch2/catch.hpp>

#include "protocols/core/field_writer.h"
#include "tests/queue/rig.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::uint64_t kEpoch = 0x1122334455667788, kFirst = 41;

std::string stored(const Batch& batch, std::size_t first, std::size_t count) {
  std::string out;
  append_batch(out, batch, first, count, kEpoch, kFirst);
  CHECK(out.size() % BatchHeader::kBatchAlign == 0);
  return out;
}

Result<StoredBatch> read_back(std::string_view bytes, OriginTable& origins) {
  const auto header = BatchHeader::parse(bytes, kEpoch);
  if (!header) return fail(0, "no header");
  if (header->total_bytes() > bytes.size()) return fail(0, "cut");
  auto body = new_block(bytes.size());
  bytes.substr(BatchHeader::kBytes).copy(body->data(), bytes.size());
  return decode_batch(*header, kEpoch, body, origins);
}

/// Two peers and listeners, lines and others, events and none, a frame that lies among the fields.
Batch mixed_batch() {
  static const Origin other{"metrics", "unixgram:///run/m.sock"};
  Batch batch = batch_of({"first line", "second", ""}, true);
  const auto add = [&](std::string_view frame, std::uint8_t flags) {
    frame.copy(batch.block->data() + batch.end, frame.size());
    batch.frames.push_back(FrameRef::make(batch.end, frame.size(), flags));
    batch.end += frame.size();
  };
  auto larger = std::make_shared<Block>(1000);
  std::copy_n(batch.block->data(), batch.end, larger->data());
  batch.block = larger;
  Segment segment;
  segment.origin = &other;
  segment.first = 3;
  segment.count = 3;
  segment.peer.kind = Peer::Kind::kUnix;
  segment.peer.pid = 77;
  segment.peer.uid = 1000;
  segment.peer.gid = 100;
  segment.time_ns = -5;
  batch.segments.push_back(segment);
  batch.events.offsets = {EventIndex::kNoEvent, EventIndex::kNoEvent, EventIndex::kNoEvent};
  add("a.b:1|c", kFrameTruncated);
  FieldWriter fields(batch.events.fields, batch.bytes(batch.frames.back()), EventShape::kMetric);
  fields.string(Field::kName, batch.bytes(batch.frames.back()).substr(0, 3));
  fields.integer(FieldName("own"), -7);
  batch.events.offsets.push_back(static_cast<std::uint32_t>(fields.finish()));
  add("\0\n", kFramePartial | kFrameUnparsed);
  batch.events.offsets.push_back(EventIndex::kNoEvent);
  const std::size_t at = batch.events.fields.size();
  batch.events.fields.append("made", 4);
  batch.frames.push_back(FrameRef::make(at, 4, kFrameInFields));
  batch.events.offsets.push_back(EventIndex::kNoEvent);
  return batch;
}

}  // namespace

TEST_CASE("batch codec: frames, flags, peers, times and events come back", "[queue]") {
  OriginTable origins;
  const Batch batch = mixed_batch();
  const auto back = read_back(stored(batch, 0, 6), origins);
  REQUIRE(back);
  CHECK(back->first_record == kFirst);
  CHECK(back->end_record() == kFirst + 6);
  CHECK(back->damaged == 0);
  REQUIRE(back->batch.kept_as);
  CHECK(back->batch.kept_as->epoch == kEpoch);
  CHECK(back->batch.kept_as->first_record == kFirst);
  CHECK(frames_of(back->batch) == frames_of(batch));
  REQUIRE(back->batch.segments.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const Segment &found = back->batch.segments[i], &sent = batch.segments[i];
    CHECK(found.origin->listener == sent.origin->listener);
    CHECK(found.origin->url == sent.origin->url);
    CHECK(found.peer == sent.peer);
    CHECK(found.time_ns == sent.time_ns);
    CHECK(found.first == sent.first);
    CHECK(found.count == sent.count);
    CHECK(found.lines == sent.lines);
  }
  CHECK(back->batch.frames[3].flags == kFrameTruncated);
  CHECK(back->batch.frames[4].flags == (kFramePartial | kFrameUnparsed));
  CHECK(back->batch.frames[5].flags == kFrameWhole);
  CHECK_FALSE(back->batch.event(0));
  const auto event = back->batch.event(3);
  REQUIRE(event);
  CHECK(event->shape() == EventShape::kMetric);
  FieldReader fields = event->fields();
  FieldEntry entry;
  REQUIRE(fields.next(entry));
  CHECK(entry.id == Field::kName);
  CHECK(entry.value.text == "a.b");
  REQUIRE(fields.next(entry));
  CHECK(entry.name == "own");
  CHECK(entry.value.integer == -7);
  CHECK_FALSE(fields.next(entry));
}

TEST_CASE("batch codec: lines lie back to back again", "[queue]") {
  OriginTable origins;
  const auto back = read_back(stored(batch_of({"one", "two"}, true), 0, 2), origins);
  REQUIRE(back);
  const Batch& batch = back->batch;
  CHECK(std::string_view(batch.block->data() + batch.frames[0].offset, 8) == "one\ntwo\n");
}

TEST_CASE("batch codec: a part of a batch", "[queue]") {
  OriginTable origins;
  const Batch batch = mixed_batch();
  const auto back = read_back(stored(batch, 1, 3), origins);
  REQUIRE(back);
  CHECK(frames_of(back->batch) == std::vector<std::string>{"second", "", "a.b:1|c"});
  CHECK(back->batch.segments[1].first == 2);
  CHECK(back->batch.event(2));
}

TEST_CASE("batch codec: whichever bit flips, no record comes back altered, and no other is lost",
          "[queue]") {
  OriginTable origins;
  const Batch batch = mixed_batch();
  const std::vector<std::string> sent = frames_of(batch);
  const std::string whole = stored(batch, 0, 6);
  std::size_t told_apart = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    const auto back = read_back(flipped, origins);
    if (!back) continue;
    const std::vector<std::string> found = frames_of(back->batch);
    INFO("byte " << at);
    CHECK(found.size() + back->damaged == sent.size());
    CHECK(back->damaged <= 1);
    CHECK(back->batch.kept_as.has_value() == (back->damaged == 0));
    told_apart += back->damaged;
    std::size_t next = 0;
    for (const std::string& frame : found) {
      while (next < sent.size() && sent[next] != frame) ++next;
      REQUIRE(next < sent.size());
      ++next;
    }
  }
  CHECK(told_apart > 20);
}

TEST_CASE("batch codec: however it is cut, it is no batch", "[queue]") {
  OriginTable origins;
  const std::string whole = stored(mixed_batch(), 0, 6);
  for (std::size_t size = 0; size < whole.size() - BatchHeader::kBatchAlign; ++size)
    CHECK_FALSE(read_back(std::string_view(whole).substr(0, size), origins));
}

TEST_CASE("segment: names and headers", "[queue]") {
  CHECK(segment_name(0x1f) == "000000000000001f.seg");
  CHECK(parse_segment_name("000000000000001f.seg") == 0x1f);
  for (const char* other : {"1f.seg", "000000000000001g.seg", "000000000000001f.seg.damaged", ""})
    CHECK_FALSE(parse_segment_name(other));
  SegmentHeader header;
  header.id = 3;
  header.first_record = 1000;
  header.epoch = 99;
  header.created_ns = 5;
  const std::string whole = header.encode();
  REQUIRE(whole.size() == SegmentHeader::kDataOffset);
  for (std::size_t at = 0; at < whole.size(); ++at) {  // the other copy serves
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 0x40);
    const auto back = SegmentHeader::parse(flipped);
    REQUIRE(back);
    CHECK(back->first_record == 1000);
  }
  std::string both = whole;
  both[20] = both[SegmentHeader::kHeaderCopyOffset + 30] = '\x55';
  CHECK_FALSE(SegmentHeader::parse(both));
}
