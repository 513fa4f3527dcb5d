#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "protocols/core/check.h"
#include "server/queue/crc32c.h"
#include "server/queue/segment_scan.h"
#include "tests/fuzz/input.h"
#include "tests/queue/simulated_files.h"

namespace {

using namespace penstock;

constexpr std::uint64_t kEpoch = 0x0123456789abcdef, kFirstRecord = 7;
constexpr const char* kPath = "/q/0000000000000001.seg";

/// Frames of the payload, cut where the seed says.
Batch batch_of(std::string_view payload, fuzz::Cuts cuts, bool lines, bool events) {
  static const Origin origin{"in", "tcp://127.0.0.1:5514"};
  Batch batch;
  batch.block = std::make_shared<Block>(2 * payload.size() + 2);
  while (!payload.empty()) {
    const std::string_view frame = payload.substr(0, cuts.next());
    frame.copy(batch.block->data() + batch.end, frame.size());
    batch.frames.push_back(FrameRef::make(batch.end, frame.size(), kFrameWhole));
    batch.end += frame.size();
    if (lines) batch.block->data()[batch.end++] = '\n';
    payload.remove_prefix(frame.size());
  }
  Segment segment;
  segment.origin = &origin;
  segment.count = static_cast<std::uint32_t>(batch.frames.size());
  segment.lines = lines;
  batch.segments.push_back(segment);
  for (std::size_t at = 0; events && at < batch.frames.size(); ++at) {
    // A size that counts itself and what follows: all that the codec knows of an event.
    const auto size = static_cast<std::uint32_t>(sizeof(std::uint32_t) + at % 3);
    batch.events.offsets.push_back(static_cast<std::uint32_t>(batch.events.fields.size()));
    batch.events.fields.append(reinterpret_cast<const char*>(&size), sizeof size);
    batch.events.fields.append("xyz", at % 3);
  }
  return batch;
}

/// Header and table with CRCs that fit them, so that what they say is looked at.
void seal_again(std::string& segment) {
  char* const begin = segment.data() + SegmentHeader::kDataOffset;
  BatchHeader header;
  const auto number = [&](std::size_t at) {
    std::uint32_t value = 0;
    std::copy_n(begin + at, sizeof value, reinterpret_cast<char*>(&value));
    return value;
  };
  header.first_record = kFirstRecord;
  header.records = number(16);
  header.table_bytes = number(20);
  header.data_bytes = number(24);
  header.event_bytes = number(28);
  header.flags = number(36);
  const std::size_t table_at = SegmentHeader::kDataOffset + BatchHeader::kBytes;
  const std::array<std::uint64_t, 2> place{kEpoch, kFirstRecord};
  header.table_crc = crc32c(crc32c(0, {reinterpret_cast<const char*>(place.data()), sizeof place}),
                            std::string_view(segment).substr(table_at, header.table_bytes));
  header.encode(kEpoch, begin);
}

/// What is read is what was written, at its place, whatever was done to the file; nobody reads for ever.
void read_all(SegmentReader& reader, const std::vector<std::string>& written) {
  StoredBatch batch;
  std::uint64_t before = 0;
  for (;;) {
    PENSTOCK_CHECK(reader.offset() > before);
    before = reader.offset();
    const Result<bool> found = reader.next(reader.file_bytes(), batch);
    PENSTOCK_CHECK(found.has_value());
    if (!*found) {
      if (!reader.search(reader.file_bytes(), 0).value()) return;
      continue;
    }
    PENSTOCK_CHECK(batch.batch.frames.size() + batch.damaged == batch.records);
    std::size_t in_segments = 0;
    for (const Segment& segment : batch.batch.segments) in_segments += segment.count;
    PENSTOCK_CHECK(in_segments == batch.batch.frames.size());
    std::size_t at = 0;  // damaged ones are missing between them
    for (const FrameRef& frame : batch.batch.frames) {
      const std::string_view bytes = batch.batch.bytes(frame);
      while (at < written.size() && written[at] != bytes) ++at;
      PENSTOCK_CHECK(at++ < written.size());
    }
  }
}

}  // namespace

// Byte 0: lines, events, whether CRCs of header and table are made to fit, how many changes; byte 1: cuts; three a change:
// place (two) and what is turned over there; then how much is cut off the end; the rest is what the records hold.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const std::uint8_t how = input.byte();
  const fuzz::Cuts cuts(input.byte());
  std::vector<std::pair<std::size_t, std::uint8_t>> changes;
  for (unsigned left = how / 8 % 8; left > 0; --left) {
    const std::size_t place = input.byte() * 256u + input.byte();
    changes.emplace_back(place, input.byte());
  }
  const std::size_t cut_off = input.byte() % 16 == 0 ? input.byte() : 0;
  if (input.payload().empty()) return 0;

  const Batch batch = batch_of(input.payload(), cuts, (how & 1) != 0, (how & 2) != 0);
  std::vector<std::string> written;
  for (const FrameRef& frame : batch.frames) written.emplace_back(batch.bytes(frame));
  SegmentHeader header;
  header.id = 1;
  header.first_record = kFirstRecord;
  header.epoch = kEpoch;
  std::string segment = header.encode();
  append_batch(segment, batch, 0, batch.frames.size(), kEpoch, kFirstRecord);
  const std::size_t data_bytes = segment.size() - SegmentHeader::kDataOffset;
  for (const auto& [place, bits] : changes) {
    char& changed = segment[SegmentHeader::kDataOffset + place % data_bytes];
    changed = static_cast<char>(changed ^ static_cast<char>(bits));
  }
  if ((how & 4) != 0) seal_again(segment);
  segment.resize(segment.size() - std::min(cut_off, data_bytes));

  test::SimulatedFiles files;
  files.close(files.open(kPath, O_RDWR | O_CREAT, 0));
  files.content(kPath) = std::move(segment);
  OriginTable origins;
  const auto reader = SegmentReader::open(
      files, kPath, origins, [](std::size_t bytes) { return std::make_shared<Block>(bytes); });
  PENSTOCK_CHECK(reader.has_value());
  read_all(**reader, written);
  return 0;
}
