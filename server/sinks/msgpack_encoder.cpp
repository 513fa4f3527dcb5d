#include "server/sinks/msgpack_encoder.h"

#include <array>

#include "server/sinks/msgpack_walk.h"
#include "server/sinks/msgpack_writer.h"

namespace penstock {
namespace {

constexpr std::size_t kSharedMembers = 5;  // time, listener, url, peer, flags

constexpr std::array<std::string_view, 3> kFlagNames = {"truncated", "partial", "unparsed"};
static_assert(kFrameTruncated == 1 && kFramePartial == 2 && kFrameUnparsed == 4);

/// Collects what is packed before its record is.
struct PackedText {
  std::string& out;

  void write(const char* bytes, std::size_t count) { out.append(bytes, count); }
};

void pack_member(MsgpackWriter<PackedText>& to, std::string_view name, std::int64_t value) {
  to.text(name);
  to.integer(value);
}

void pack_text_member(MsgpackWriter<PackedText>& to, std::string_view name,
                      std::string_view value) {
  to.text(name);
  to.text_or_bytes(value);
}

void pack_peer(MsgpackWriter<PackedText>& to, const Peer& peer) {
  const std::string_view command = command_of(peer);
  switch (peer.kind) {
    case Peer::Kind::kInet4:
    case Peer::Kind::kInet6:
      to.map(2);
      pack_text_member(to, "address", zoned_address_text(peer));
      pack_member(to, "port", peer.port);
      return;
    case Peer::Kind::kUnix:
      to.map(2u + (peer.pid != 0 ? 1 : 0) + (command.empty() ? 0 : 1));
      if (peer.pid != 0) pack_member(to, "pid", peer.pid);
      pack_member(to, "uid", peer.uid);
      pack_member(to, "gid", peer.gid);
      if (!command.empty()) pack_text_member(to, "command", command);
      return;
    case Peer::Kind::kNone: to.map(0);
  }
}

template <class Out>
void pack_flags(MsgpackWriter<Out>& to, const FrameRef& frame) {
  std::size_t count = 0;
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit) count += frame.flags >> bit & 1;
  to.text("flags");
  to.array(count);
  for (std::size_t bit = 0; bit < kFlagNames.size(); ++bit) {
    if ((frame.flags >> bit & 1) != 0) to.text(kFlagNames[bit]);
  }
}

/// One record. `source`: listener, url and peer, packed.
template <class Out>
void pack_record(Out& out, std::string_view source, std::int64_t time_ns, const Batch& batch,
                 std::size_t frame) {
  const auto event = batch.event(frame);
  MsgpackWriter<Out> to(out);
  to.map(kSharedMembers + (event ? MsgpackWriter<Out>::count(event->fields()) : 1));
  to.text("time");
  to.time(time_ns);
  out.write(source.data(), source.size());
  pack_flags(to, batch.frames[frame]);
  if (event) return to.fields(event->fields());
  to.text("message");
  to.text_or_bytes(batch.bytes(batch.frames[frame]));
}

/// No record becomes longer, for the price of an addition.
std::size_t most_record_bytes(std::string_view source, const Batch& batch, std::size_t frame) {
  // The map's head, time, flags and all their names, or `message` in their place.
  constexpr std::size_t kAroundFields = 128;
  const std::size_t around = kAroundFields + source.size();
  if (const auto event = batch.event(frame)) return around + most_packed_bytes(*event);
  return around + batch.bytes(batch.frames[frame]).size();
}

}  // namespace

std::unique_ptr<RecordWalk> MsgpackEncoder::walk() const { return std::make_unique<MsgpackWalk>(); }

std::string_view MsgpackEncoder::source_of(const Segment& segment) const {
  if (!source_.empty() && segment.origin == origin_ && segment.peer == peer_) return source_;
  origin_ = segment.origin;
  peer_ = segment.peer;
  source_.clear();
  PackedText text{source_};
  MsgpackWriter<PackedText> to(text);
  pack_text_member(to, "listener", origin_->listener);
  pack_text_member(to, "url", origin_->url);
  to.text("peer");
  pack_peer(to, peer_);
  return source_;
}

std::size_t MsgpackEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                          std::size_t frame) const {
  MsgpackSize size;
  pack_record(size, source_of(segment), segment.time_ns, batch, frame);
  return size.bytes;
}

std::size_t MsgpackEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                   std::size_t last, EncodeBuffer& out) const {
  const std::string_view source = source_of(segment);
  for (std::size_t at = first; at < last; ++at) {
    std::size_t room = most_record_bytes(source, batch, at);
    if (room > out.room()) room = encoded_bytes(batch, segment, at);
    if (!out.make_room(room)) return at;
    MsgpackMemory memory{out.end()};
    pack_record(memory, source, segment.time_ns, batch, at);
    out.advance_to(memory.at);
  }
  return last;
}

}  // namespace penstock
