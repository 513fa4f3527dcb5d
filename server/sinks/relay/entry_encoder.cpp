#include "server/sinks/relay/entry_encoder.h"

#include <optional>

#include "server/sinks/msgpack_writer.h"

namespace penstock {
namespace {

/// An event's fields as far as an entry has places of its own for them.
struct EntryParts {
  std::optional<std::int64_t> time_ns;
  std::optional<FieldValue> metadata, fields;
  bool as_it_came = true;  // over Forward protocol
};

EntryParts parts_of(const Event& event) noexcept {
  EntryParts parts;
  FieldReader reader = event.fields();
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.id == Field::kTimestamp && entry.value.type == FieldType::kTime)
      parts.time_ns = entry.value.integer;
    else if (entry.id == Field::kFields && entry.value.type == FieldType::kMap)
      parts.fields = entry.value;
    else if (entry.id == Field::kNone && entry.name == "metadata" &&
             entry.value.type == FieldType::kMap)
      parts.metadata = entry.value;
    else if (entry.id != Field::kTag)
      parts.as_it_came = false;
  }
  parts.as_it_came = parts.as_it_came && parts.fields;
  if (!parts.as_it_came) parts.metadata.reset();
  return parts;
}

template <class Out>
void pack_time(MsgpackWriter<Out>& to, std::int64_t ns) {
  if (MsgpackWriter<Out>::is_event_time(ns)) return to.event_time(ns);
  to.integer(ns / kNanosPerSecond - (ns % kNanosPerSecond < 0 ? 1 : 0));
}

template <class Out>
void pack_fields(MsgpackWriter<Out>& to, const Event& event, const EntryParts& parts) {
  FieldReader reader = event.fields();
  to.map(MsgpackWriter<Out>::count(reader) - (parts.time_ns ? 1 : 0));
  for (FieldEntry entry; reader.next(entry);)
    if (entry.id != Field::kTimestamp || entry.value.type != FieldType::kTime) to.field(entry);
}

template <class Out>
void pack_entry(Out& out, std::int64_t received_ns, const Batch& batch, std::size_t frame) {
  MsgpackWriter<Out> to(out, PackedTime::kEventTime);
  const auto event = batch.event(frame);
  const EntryParts parts = event ? parts_of(*event) : EntryParts();
  to.array(2);
  if (parts.metadata) to.array(2);
  pack_time(to, parts.time_ns.value_or(received_ns));
  if (parts.metadata) to.value(*parts.metadata);
  if (!event) {
    to.map(1);
    to.text("message");
    to.text_or_bytes(batch.bytes(batch.frames[frame]));
  } else if (parts.as_it_came) {
    to.value(*parts.fields);
  } else {
    pack_fields(to, *event, parts);
  }
}

std::size_t most_entry_bytes(const Batch& batch, std::size_t frame) noexcept {
  constexpr std::size_t kAround = 64;  // arrays, time, the map's head, `message`
  if (const auto event = batch.event(frame)) return kAround + most_packed_bytes(*event);
  return kAround + batch.bytes(batch.frames[frame]).size();
}

}  // namespace

std::size_t EntryEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                        std::size_t frame) const {
  MsgpackSize size;
  pack_entry(size, segment.time_ns, batch, frame);
  return size.bytes;
}

std::size_t EntryEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                 std::size_t last, EncodeBuffer& out) const {
  for (std::size_t at = first; at < last; ++at) {
    std::size_t room = most_entry_bytes(batch, at);
    if (room > out.room()) room = encoded_bytes(batch, segment, at);
    if (!out.make_room(room)) return at;
    MsgpackMemory memory{out.end()};
    pack_entry(memory, segment.time_ns, batch, at);
    out.advance_to(memory.at);
  }
  return last;
}

}  // namespace penstock
