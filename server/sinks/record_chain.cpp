#include "server/sinks/record_chain.h"

#include <algorithm>
#include <cstring>

namespace penstock {
namespace {

constexpr std::size_t kMaxPieceBytes = std::size_t{1}
                                       << 20;  // so that an interrupt is seen between two writes
constexpr std::size_t kWorthItsOwnWrite =
    std::size_t{32} << 10;  // below this, copying costs less than a system call

// The first records of a run that is too long for one write, or as much of a record that is too long itself.
std::string_view front_of(std::string_view lines) noexcept {
  const auto* newline = static_cast<const char*>(memrchr(lines.data(), '\n', kMaxPieceBytes));
  return lines.substr(0, newline == nullptr ? kMaxPieceBytes
                                            : static_cast<std::size_t>(newline + 1 - lines.data()));
}

}  // namespace

Place RecordChain::begin(std::uint32_t head) const noexcept {
  if (head == kNoSegment) return {};
  return settle({head, batch_.segments[head].first, 0});
}

std::string RecordChain::ending(const Place& place) const {
  if (encoder_.walk() == nullptr) return std::string(encoder_.torn_ending());
  if (place.segment == kNoSegment || place.skip == 0) return {};
  EncodeBuffer record;
  encoder_.encode(batch_, batch_.segments[place.segment], place.frame, place.frame + 1, record);
  return std::string(record.data() + place.skip, record.size() - place.skip);
}

Place RecordChain::settle(Place place) const noexcept {
  while (place.segment != kNoSegment) {
    const Segment& segment = batch_.segments[place.segment];
    if (place.frame < std::size_t{segment.first} + segment.count) return place;
    place.segment = next_[place.segment];
    place.frame = place.segment == kNoSegment ? 0 : batch_.segments[place.segment].first;
  }
  return {};
}

Place RecordChain::behind_segment(const Place& place) const noexcept {
  const Segment& segment = batch_.segments[place.segment];
  return settle({place.segment, std::size_t{segment.first} + segment.count, 0});
}

bool RecordChain::lies_as_lines(const Place& place) const noexcept {
  return place.segment != kNoSegment && batch_.segments[place.segment].lines &&
         encoder_.keeps_lines();
}

// The bytes of the block from `from` to the end of the last line segment that lies side by side with it.
std::string_view RecordChain::run(const Place& from, Place& end) const noexcept {
  const std::size_t begin = batch_.frames[from.frame].offset + from.skip;
  std::size_t stop = begin;
  end = from;
  while (lies_as_lines(end) && batch_.frames[end.frame].offset + end.skip == stop) {
    const Segment& segment = batch_.segments[end.segment];
    const FrameRef& last = batch_.frames[std::size_t{segment.first} + segment.count - 1];
    stop = last.offset + last.size + 1;
    end = behind_segment(end);
  }
  return {batch_.block->data() + begin, stop - begin};
}

Piece RecordChain::piece(const Place& from, EncodeBuffer& buffer) const {
  buffer.clear();
  Place at = from;
  while (at.segment != kNoSegment) {
    if (lies_as_lines(at)) {
      Place behind;
      const std::string_view lines = run(at, behind);
      const bool alone = buffer.size() == 0 && behind.segment == kNoSegment;
      if (alone || lines.size() >= kWorthItsOwnWrite || lines.size() > buffer.room()) {
        if (buffer.size() != 0) break;
        if (lines.size() <= kMaxPieceBytes) return {lines, behind};
        const std::string_view front = front_of(lines);
        return {front, advance(at, front.size())};
      }
      if (!buffer.make_room(lines.size())) break;
      std::memcpy(buffer.end(), lines.data(), lines.size());
      buffer.advance_to(buffer.end() + lines.size());
      at = behind;
      continue;
    }
    const Segment& segment = batch_.segments[at.segment];
    const std::size_t last = std::size_t{segment.first} + segment.count;
    const std::size_t stopped = encoder_.encode(batch_, segment, at.frame, last, buffer);
    const bool full = stopped != last;
    if (stopped != at.frame) at = settle({at.segment, stopped, 0});
    if (full) break;
  }
  // Only the first record can be torn, and only when it went into the buffer from its beginning.
  const std::size_t skip = lies_as_lines(from) ? 0 : from.skip;
  return {{buffer.data() + skip, buffer.size() - skip}, at};
}

Piece RecordChain::front(const Place& from, const Piece& piece, std::size_t room) const {
  Place at = from;
  std::size_t bytes = 0;
  while (bytes < piece.bytes.size()) {
    const std::size_t behind = bytes + rest_of_record(at);
    if (behind > piece.bytes.size() || (bytes != 0 && behind > room)) break;
    bytes = behind;
    at = settle({at.segment, at.frame + 1, 0});
  }
  return bytes == 0 ? piece : Piece{piece.bytes.substr(0, bytes), at};
}

Place RecordChain::advance(Place from, std::size_t bytes) const {
  while (bytes != 0) {
    const std::size_t rest = rest_of_record(from);
    if (bytes < rest) {
      from.skip += bytes;
      return from;
    }
    bytes -= rest;
    from = settle({from.segment, from.frame + 1, 0});
  }
  return from;
}

void RecordChain::remaining(Place from, std::vector<FrameRange>& ranges) const {
  while (from.segment != kNoSegment) {
    const Segment& segment = batch_.segments[from.segment];
    ranges.push_back({from.frame, std::size_t{segment.first} + segment.count - from.frame});
    from = behind_segment(from);
  }
}

}  // namespace penstock
