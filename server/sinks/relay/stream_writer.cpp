#include "server/sinks/relay/stream_writer.h"

namespace penstock {

void StreamWriter::begin(RelayPart& part) {
  part_ = &part;
  piece_ = {};
  behind_ = part.at;
}

PartWriter::Step StreamWriter::write(int fd, std::uint64_t) {
  constexpr std::size_t kEnough = std::size_t{1} << 20;
  Step step;
  while (step.bytes < kEnough) {
    if (piece_.empty()) {
      if (behind_.segment == kNoSegment) {
        buffer_.shrink();
        return step;
      }
      const Piece piece = chain(*part_).piece(behind_, buffer_);
      piece_ = piece.bytes;
      behind_ = piece.end;
      continue;
    }
    if (!send_front(fd, piece_, step)) return step;
  }
  step.state = State::kFull;  // others come first
  return step;
}

Place StreamWriter::place_behind(const RelayPart& part, std::uint64_t bytes) const {
  Place place = chain(part).advance(part.at, bytes);
  place.skip = 0;
  return place;
}

std::string StreamWriter::rest_of_record(const RelayPart& part, std::uint64_t bytes) const {
  const Place place = chain(part).advance(part.at, bytes);
  if (place.skip == 0) return {};
  EncodeBuffer record;
  encoder_.encode(*part.batch, part.batch->segments[place.segment], place.frame, place.frame + 1,
                  record);
  return std::string(record.data() + place.skip, record.size() - place.skip);
}

}  // namespace penstock
