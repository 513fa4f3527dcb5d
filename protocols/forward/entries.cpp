#include "protocols/forward/entries.h"

#include <optional>

#include "protocols/core/epoch.h"
#include "protocols/forward/message.h"
#include "protocols/msgpack/fields.h"
#include "protocols/msgpack/token.h"
#include "protocols/msgpack/value_scan.h"

namespace penstock::forward {
namespace {

using msgpack::first_token;
using msgpack::Kind;
using msgpack::Token;

/// A long tag on a million short entries must not become gigabytes: what the entries of one message take beside their own
/// bytes, at most, with kEntryBytes and the tag for each.
constexpr std::size_t kMaxExtraBytes = std::size_t{64} << 20, kEntryBytes = 64;
/// What a frame of one entry has beside it: the array's head and the tag.
constexpr std::size_t kMaxHeadBytes = 1 + 5 + kMaxTagBytes;
constexpr std::size_t kSpareEntries = 4096;
constexpr std::size_t kSpareFrameBytes = std::size_t{64} << 10;

bool is_event_time(const Token& token) noexcept {
  return token.kind == Kind::kExt && token.ext_type == 0 && token.size == 8;
}

bool is_time(const Token& token) noexcept {
  return token.kind == Kind::kUnsigned || token.kind == Kind::kSigned ||
         token.kind == Kind::kReal || token.kind == Kind::kNil || is_event_time(token);
}

/// Fluent Bit (flb_log_event.h) begins and ends a group of records with an entry whose seconds are -1 and -2: what they all
/// have in common, no records.
bool is_group_marker(std::string_view time) noexcept {
  constexpr std::uint32_t kBegin = 0xffffffff, kEnd = 0xfffffffe;
  Token token = first_token(time);
  if (token.kind == Kind::kArray) {
    time.remove_prefix(token.head_bytes);
    token = first_token(time);
  }
  if (!is_event_time(token)) return false;
  const auto seconds = msgpack::big_endian<std::uint32_t>(time.data() + token.head_bytes);
  return seconds == kBegin || seconds == kEnd;
}

/// Seconds, as the protocol has them; loggers of JavaScript and Python also write milliseconds, which their size tells.
std::optional<std::int64_t> counted_ns(const Token& token) noexcept {
  std::int64_t ns = 0;
  const bool unsigned_fits = token.kind == Kind::kUnsigned && token.number <= INT64_MAX;
  const bool fits =
      (token.kind == Kind::kSigned && epoch_of_any_unit(token.integer, ns)) ||
      (unsigned_fits && epoch_of_any_unit(static_cast<std::int64_t>(token.number), ns)) ||
      (token.kind == Kind::kReal && epoch_of_any_unit(token.real, ns));
  return fits ? std::optional(ns) : std::nullopt;
}

/// Nothing where it is absent, 0, broken or no time that 64 bits of nanoseconds hold: then the time of receipt is all there is.
std::optional<std::int64_t> time_ns(std::string_view value) noexcept {
  const Token token = first_token(value);
  const auto ns = is_event_time(token) ? msgpack::event_time_ns(value.substr(token.head_bytes))
                                       : counted_ns(token);
  return ns && *ns != 0 ? ns : std::nullopt;
}

}  // namespace

/// An entry's values. `time` is `[time, {metadata}]` only where there is metadata.
struct Entries::Parts {
  std::string_view time, inner_time, metadata, record;
};

void Entries::begin(std::string_view bytes) noexcept {
  bytes_ = bytes;
  found_.clear();
  markers_ = marker_bytes_ = 0;
}

void Entries::skip_markers(BatchWriter& writer) const noexcept {
  for (std::size_t left = markers_; left != 0; --left) writer.skip_empty();
  writer.counts().framing_bytes += marker_bytes_;
}

Problem Entries::find(std::string_view bytes, std::size_t tag_bytes) {
  begin(bytes);
  msgpack::ValueScan scan({.max_bytes = bytes.size(), .max_depth = max_depth_ + 1});
  std::size_t extra = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::string_view rest = bytes.substr(begin);
    scan.restart();
    const auto status = scan.run(rest);
    if (status == msgpack::ValueScan::Status::kIllegal) return {scan.why(), begin + scan.at()};
    if (status != msgpack::ValueScan::Status::kWhole)
      return {"an entry is longer than what holds it", begin};
    const Token token = first_token(rest);
    if (token.kind != Kind::kArray || token.size != 2)
      return {"an entry is no array of time and record", begin};
    const std::size_t time = begin + scan.child(0), record = begin + scan.child(1);
    begin += scan.size();
    if (const Problem problem =
            check(bytes.substr(time, record - time), bytes.substr(record), time))
      return problem;
    if (scan.size() + kMaxHeadBytes > kMaxFrameBytes) return {"an entry longer than 16 MiB", time};
    if (is_group_marker(bytes.substr(time, record - time))) {
      ++markers_;
      marker_bytes_ += scan.size();
      continue;
    }
    extra += tag_bytes + kEntryBytes;
    if (extra > kMaxExtraBytes) return {"too many entries for one message", time};
    found_.push_back({static_cast<std::uint32_t>(bytes.size() - rest.size()),
                      static_cast<std::uint32_t>(time), static_cast<std::uint32_t>(record),
                      static_cast<std::uint32_t>(begin)});
  }
  return {};
}

Problem Entries::find_single(std::string_view bytes) {
  begin(bytes);
  msgpack::ValueScan scan({.max_bytes = bytes.size(), .max_depth = msgpack::ValueScan::kMostDepth});
  (void)scan.run(bytes);  // whole and legal: its message was
  const std::size_t record = scan.size();
  if (const Problem problem = check(bytes.substr(0, record), bytes.substr(record), 0))
    return problem;
  if (is_group_marker(bytes.substr(0, record))) return {};
  found_.push_back(
      {0, 0, static_cast<std::uint32_t>(record), static_cast<std::uint32_t>(bytes.size())});
  return {};
}

Problem Entries::check(std::string_view time, std::string_view record,
                       std::size_t at) const noexcept {
  const Token token = first_token(time);
  if (token.kind == Kind::kArray) {
    if (token.size != 2) return {"a time with metadata is no array of two", at};
    const std::string_view inner = time.substr(token.head_bytes);
    const Token inner_token = first_token(inner);
    if (!is_time(inner_token)) return {"no time", at + token.head_bytes};
    const std::size_t payload = inner_token.has_payload() ? inner_token.size : 0;
    if (first_token(inner.substr(inner_token.head_bytes + payload)).kind != Kind::kMap)
      return {"an entry's metadata is no map", at};
  } else if (!is_time(token)) {
    return {"no time", at};
  }
  if (first_token(record).kind != Kind::kMap) return {"a record is no map", at + time.size()};
  return {};
}

Entries::Parts Entries::parts(const Place& place) const noexcept {
  Parts parts{.record = bytes_.substr(place.record, place.end - place.record)};
  parts.time = parts.inner_time = bytes_.substr(place.time, place.record - place.time);
  const Token token = first_token(parts.time);
  if (token.kind != Kind::kArray) return parts;
  std::string_view inner = parts.time.substr(token.head_bytes);
  const Token time = first_token(inner);
  const std::size_t bytes = time.head_bytes + (time.has_payload() ? time.size : 0);
  parts.inner_time = inner.substr(0, bytes);
  parts.metadata = inner.substr(bytes);
  if (first_token(parts.metadata).size == 0) {
    parts.metadata = {};
    parts.time = parts.inner_time;
  }
  return parts;
}

std::size_t Entries::begin_frame(std::string_view tag_value) {
  constexpr char kArrayOfThree = '\x93';
  frame_.assign(1, kArrayOfThree).append(tag_value);
  return frame_.size();
}

void Entries::add_all(std::string_view tag_value, std::string_view tag, BatchWriter& writer) {
  const std::size_t head_bytes = begin_frame(tag_value);
  for (const Place& place : found_) add(place, tag, head_bytes, place.end - place.begin, writer);
  skip_markers(writer);
}

void Entries::add_single(std::string_view tag_value, std::string_view tag, std::size_t wire_bytes,
                         BatchWriter& writer) {
  add(found_.front(), tag, begin_frame(tag_value), wire_bytes, writer);
}

namespace {

/// The fields of one entry; `record` and `metadata` lie in the event's frame.
void write(std::string_view tag, std::optional<std::int64_t> time, std::string_view metadata,
           std::string_view record, FieldWriter& fields) {
  fields.string(Field::kTag, tag);
  if (time) fields.time(Field::kTimestamp, *time);
  if (!metadata.empty()) (void)msgpack::write_field(std::string_view("metadata"), metadata, fields);
  (void)msgpack::write_field(Field::kFields, record, fields);
}

}  // namespace

void Entries::add(const Place& place, std::string_view tag, std::size_t head_bytes,
                  std::size_t wire_bytes, BatchWriter& writer) {
  const Parts entry = parts(place);
  frame_.resize(head_bytes);
  frame_.append(entry.time).append(entry.record);
  const std::string_view frame = frame_;
  const std::string_view tag_there = frame.substr(head_bytes - tag.size(), tag.size());
  const std::string_view record = frame.substr(frame.size() - entry.record.size());
  const std::string_view metadata = frame.substr(
      frame.size() - entry.record.size() - entry.metadata.size(), entry.metadata.size());
  FieldWriter fields = writer.begin_event(frame, EventShape::kLog);
  write(tag_there, time_ns(entry.inner_time), metadata, record, fields);
  writer.add_event(fields, kFrameWhole, Shape::kOpaque, wire_bytes);
}

void Entries::add_whole(std::string_view message, std::string_view tag, BatchWriter& writer) {
  const Parts entry = parts(found_.front());
  FieldWriter fields = writer.begin_event(message, EventShape::kLog);
  write(tag, time_ns(entry.inner_time), entry.metadata, entry.record, fields);
  writer.add_event(fields, kFrameWhole, Shape::kOpaque);
}

void Entries::trim() {
  found_.clear();
  if (found_.capacity() > kSpareEntries) found_ = std::vector<Place>();
  if (frame_.capacity() > kSpareFrameBytes) frame_ = std::string();
}

}  // namespace penstock::forward
