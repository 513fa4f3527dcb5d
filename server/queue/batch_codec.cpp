#include "server/queue/batch_codec.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "server/queue/bytes.h"
#include "server/queue/crc32c.h"

namespace penstock {
namespace {

constexpr unsigned kSizeBits = 25;  // as in FrameRef
constexpr std::uint32_t kSizeMask = (std::uint32_t{1} << kSizeBits) - 1;
constexpr std::size_t kRecordBytes = 8, kRecordWithEventBytes = 12;

/// The part of a segment that is stored.
struct Part {
  const Segment* segment = nullptr;
  std::uint32_t origin = 0;  // index into the table's origins
  std::size_t first = 0, count = 0;
};

struct Plan {
  std::vector<const Origin*> origins;
  std::vector<Part> parts;
  bool has_events = false;

  std::size_t record_bytes() const { return has_events ? kRecordWithEventBytes : kRecordBytes; }
};

std::string_view event_bytes(const Batch& batch, std::size_t at) noexcept {
  const EventIndex& events = batch.events;
  if (at >= events.offsets.size() || events.offsets[at] == EventIndex::kNoEvent) return {};
  const char* const begin = events.fields.data() + events.offsets[at];
  std::uint32_t size = 0;
  std::memcpy(&size, begin, sizeof size);  // an event begins with its size
  return {begin, size};
}

std::uint32_t origin_index(std::vector<const Origin*>& origins, const Origin* origin) {
  const auto found = std::find(origins.begin(), origins.end(), origin);
  const auto index = static_cast<std::uint32_t>(found - origins.begin());
  if (found == origins.end()) origins.push_back(origin);
  return index;
}

Plan make_plan(const Batch& batch, std::size_t first, std::size_t count) {
  Plan plan;
  plan.has_events = !batch.events.offsets.empty();
  for (const Segment& segment : batch.segments) {
    const std::size_t begin = std::max<std::size_t>(segment.first, first);
    const std::size_t end = std::min(std::size_t{segment.first} + segment.count, first + count);
    if (begin < end)
      plan.parts.push_back(
          {&segment, origin_index(plan.origins, segment.origin), begin, end - begin});
  }
  return plan;
}

/// CRC of what a record's CRC covers in front of its frame.
std::uint32_t crc_of_place(std::uint64_t epoch, std::uint64_t id, std::uint32_t size,
                           std::uint32_t event_size) noexcept {
  char place[24];
  std::memcpy(place, &epoch, sizeof epoch);
  std::memcpy(place + 8, &id, sizeof id);
  std::memcpy(place + 16, &size, sizeof size);
  std::memcpy(place + 20, &event_size, sizeof event_size);
  return crc32c(0, {place, sizeof place});
}

std::uint32_t crc_of_table(std::uint64_t epoch, std::uint64_t first_record,
                           std::string_view table) noexcept {
  char place[16];
  std::memcpy(place, &epoch, sizeof epoch);
  std::memcpy(place + 8, &first_record, sizeof first_record);
  return crc32c(crc32c(0, {place, sizeof place}), table);
}

void put_segment(ByteWriter& write, const Part& part) {
  const Peer& peer = part.segment->peer;
  write.put(part.origin);
  write.put(static_cast<std::uint32_t>(part.count));
  write.put(static_cast<std::uint8_t>(part.segment->lines));
  write.put(static_cast<std::uint8_t>(peer.kind));
  write.put(peer.port);
  write.put(peer.scope_id);
  write.raw({reinterpret_cast<const char*>(peer.address.data()), peer.address.size()});
  write.put(peer.pid);
  write.put(peer.uid);
  write.put(peer.gid);
  write.put(part.segment->time_ns);
}

void put_origins_and_segments(ByteWriter& write, const Plan& plan) {
  write.put(static_cast<std::uint32_t>(plan.origins.size()));
  for (const Origin* origin : plan.origins) {
    write.text(origin->listener);
    write.text(origin->url);
  }
  write.put(static_cast<std::uint32_t>(plan.parts.size()));
  for (const Part& part : plan.parts) put_segment(write, part);
}

/// The frames of a part, one behind another, and their entries in the table at `table_at`.
class RecordWriter {
 public:
  RecordWriter(std::string& out, const Batch& batch, std::uint64_t epoch, std::uint64_t id,
               std::size_t table_at, std::size_t record_bytes)
      : out_(out),
        batch_(batch),
        epoch_(epoch),
        id_(id),
        table_at_(table_at),
        record_bytes_(record_bytes) {}

  void write(const Part& part) {
    if (part.segment->lines) {  // back to back: one copy
      const FrameRef front = batch_.frames[part.first],
                     last = batch_.frames[part.first + part.count - 1];
      const char* const base = batch_.block->data();
      out_.append(base + front.offset, last.offset + last.size + 1 - front.offset);
      for (std::size_t at = part.first; at < part.first + part.count; ++at)
        enter(at, {base + batch_.frames[at].offset, std::size_t{batch_.frames[at].size} + 1});
      return;
    }
    for (std::size_t at = part.first; at < part.first + part.count; ++at) {
      const std::string_view frame = batch_.bytes(batch_.frames[at]);
      out_.append(frame);
      enter(at, frame);
    }
  }

 private:
  void enter(std::size_t at, std::string_view stored) {
    const FrameRef& frame = batch_.frames[at];
    const auto flags = static_cast<std::uint32_t>(frame.flags & ~unsigned{kFrameInFields});
    const std::uint32_t size = static_cast<std::uint32_t>(frame.size) | flags << kSizeBits;
    const std::string_view event = event_bytes(batch_, at);
    const auto event_size = static_cast<std::uint32_t>(event.size());
    const std::uint32_t crc =
        crc32c(crc32c(crc_of_place(epoch_, id_++, size, event_size), stored), event);
    char* const to = out_.data() + table_at_;
    std::memcpy(to, &size, sizeof size);
    if (record_bytes_ == kRecordWithEventBytes) std::memcpy(to + 4, &event_size, sizeof event_size);
    std::memcpy(to + record_bytes_ - sizeof crc, &crc, sizeof crc);
    table_at_ += record_bytes_;
  }

  std::string& out_;
  const Batch& batch_;
  const std::uint64_t epoch_;
  std::uint64_t id_;
  std::size_t table_at_;
  const std::size_t record_bytes_;
};

/// What is read back, piece by piece.
class Decoding {
 public:
  Decoding(const BatchHeader& header, std::uint64_t epoch, std::shared_ptr<Block> body,
           OriginTable& origins)
      : header_(header), epoch_(epoch), origins_(origins) {
    stored_.first_record = header.first_record;
    stored_.records = header.records;
    stored_.batch.block = std::move(body);
  }

  Result<StoredBatch> run() {
    const char* const base = stored_.batch.block->data();
    const std::string_view table(base, header_.table_bytes);
    if (crc_of_table(epoch_, header_.first_record, table) != header_.table_crc)
      return fail(0, "the batch's table is damaged");
    ByteReader read(table);
    if (!read_origins(read) || !read_segments(read) || !read_records(read))
      return fail(0, "the batch's table does not fit its data");
    if (stored_.damaged == 0) stored_.batch.kept_as = {epoch_, header_.first_record};
    return std::move(stored_);
  }

 private:
  bool read_origins(ByteReader& read) {
    for (auto left = read.get<std::uint32_t>(); left > 0 && read.ok(); --left) {
      const std::string_view listener = read.text();
      const std::string_view url = read.text();
      if (read.ok()) origin_list_.push_back(origins_.find_or_add(listener, url));
    }
    return read.ok();
  }

  bool read_segments(ByteReader& read) {
    std::uint64_t records = 0;
    for (auto left = read.get<std::uint32_t>(); left > 0 && read.ok(); --left) {
      Segment segment;
      const auto origin = read.get<std::uint32_t>();
      segment.count = read.get<std::uint32_t>();
      segment.lines = read.get<std::uint8_t>() != 0;
      segment.peer.kind = static_cast<Peer::Kind>(read.get<std::uint8_t>());
      segment.peer.port = read.get<std::uint16_t>();
      segment.peer.scope_id = read.get<std::uint32_t>();
      read.raw(segment.peer.address.size())
          .copy(reinterpret_cast<char*>(segment.peer.address.data()), segment.peer.address.size());
      segment.peer.pid = read.get<std::int32_t>();
      segment.peer.uid = read.get<std::uint32_t>();
      segment.peer.gid = read.get<std::uint32_t>();
      segment.time_ns = read.get<std::int64_t>();
      if (!read.ok() || origin >= origin_list_.size() || segment.peer.kind > Peer::Kind::kUnix)
        return false;
      segment.origin = origin_list_[origin];
      records += segment.count;
      stored_.batch.segments.push_back(segment);
    }
    return read.ok() && records == header_.records;
  }

  bool read_records(ByteReader& read) {
    const bool with_events = (header_.flags & BatchHeader::kHasEvents) != 0;
    if (read.left() != header_.records * (with_events ? kRecordWithEventBytes : kRecordBytes))
      return false;
    Batch& batch = stored_.batch;
    at_ = header_.table_bytes;
    frames_end_ = at_ + header_.data_bytes - header_.event_bytes;
    event_at_ = frames_end_;
    end_ = at_ + header_.data_bytes;
    batch.frames.reserve(header_.records);
    std::vector<Segment> kept;
    std::uint64_t id = header_.first_record;
    for (Segment segment : std::exchange(batch.segments, {})) {
      const std::uint32_t records = segment.count;
      segment.first = static_cast<std::uint32_t>(batch.frames.size());
      for (std::uint32_t left = records; left > 0; --left) {
        if (!read_record(read, segment.lines, with_events, id++)) return false;
      }
      segment.count = static_cast<std::uint32_t>(batch.frames.size()) - segment.first;
      if (segment.count != records) segment.lines = false;  // no longer back to back
      if (segment.count != 0) kept.push_back(segment);
    }
    batch.segments = std::move(kept);
    batch.begin = header_.table_bytes;
    batch.end = frames_end_;
    batch.charged_bytes = batch.block->capacity();
    return at_ == frames_end_ && event_at_ == end_;
  }

  /// False where the sizes lead out of the data; a record that is only damaged is counted.
  bool read_record(ByteReader& read, bool line, bool with_events, std::uint64_t id) {
    const auto size_and_flags = read.get<std::uint32_t>();
    const auto event_size = with_events ? read.get<std::uint32_t>() : 0;
    const auto crc = read.get<std::uint32_t>();
    const std::size_t size = size_and_flags & kSizeMask, stored = size + (line ? 1 : 0);
    if (stored > frames_end_ - at_ || event_size > end_ - event_at_) return false;
    Batch& batch = stored_.batch;
    const char* const base = batch.block->data();
    const std::size_t frame_at = std::exchange(at_, at_ + stored);
    const std::string_view frame(base + frame_at, stored);
    const std::string_view event(base + std::exchange(event_at_, event_at_ + event_size),
                                 event_size);
    const std::uint32_t found =
        crc32c(crc32c(crc_of_place(epoch_, id, size_and_flags, event_size), frame), event);
    if (found != crc) {
      ++stored_.damaged;
      return true;
    }
    batch.frames.push_back(
        FrameRef::make(frame_at, size, static_cast<std::uint8_t>(size_and_flags >> kSizeBits)));
    if (!with_events) return true;
    batch.events.offsets.push_back(event.empty()
                                       ? EventIndex::kNoEvent
                                       : static_cast<std::uint32_t>(batch.events.fields.size()));
    batch.events.fields.append(event.data(), event.size());
    return true;
  }

  const BatchHeader header_;
  const std::uint64_t epoch_;
  OriginTable& origins_;
  StoredBatch stored_;
  std::vector<const Origin*> origin_list_;
  std::size_t at_ = 0, frames_end_ = 0, event_at_ = 0, end_ = 0;  // of the body
};

}  // namespace

void append_batch(std::string& out, const Batch& batch, std::size_t first, std::size_t count,
                  std::uint64_t epoch, std::uint64_t first_record) {
  const Plan plan = make_plan(batch, first, count);
  const std::size_t begin = out.size(), table_begin = begin + BatchHeader::kBytes;
  out.append(BatchHeader::kBytes, '\0');
  ByteWriter write(out);
  put_origins_and_segments(write, plan);
  const std::size_t records_at = out.size();
  out.append(count * plan.record_bytes(), '\0');
  const std::size_t data_begin = out.size();
  RecordWriter records(out, batch, epoch, first_record, records_at, plan.record_bytes());
  for (const Part& part : plan.parts) records.write(part);
  const std::size_t events_begin = out.size();
  for (std::size_t at = first; plan.has_events && at < first + count; ++at)
    out.append(event_bytes(batch, at));
  BatchHeader header;
  header.first_record = first_record;
  header.records = static_cast<std::uint32_t>(count);
  header.table_bytes = static_cast<std::uint32_t>(data_begin - table_begin);
  header.data_bytes = static_cast<std::uint32_t>(out.size() - data_begin);
  header.event_bytes = static_cast<std::uint32_t>(out.size() - events_begin);
  header.flags = plan.has_events ? BatchHeader::kHasEvents : 0;
  header.table_crc = crc_of_table(epoch, first_record,
                                  std::string_view(out).substr(table_begin, header.table_bytes));
  header.encode(epoch, out.data() + begin);
  out.resize(begin + header.total_bytes());
}

Result<StoredBatch> decode_batch(const BatchHeader& header, std::uint64_t epoch,
                                 std::shared_ptr<Block> body, OriginTable& origins) {
  return Decoding(header, epoch, std::move(body), origins).run();
}

}  // namespace penstock
