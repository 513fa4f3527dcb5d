#include "server/sinks/relay/stream_writer.h"

#include <sys/socket.h>

#include <cerrno>

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
    const ssize_t n = ::send(fd, piece_.data(), piece_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
      step.state = full ? State::kFull : State::kBroken;
      step.error = full ? 0 : errno;
      return step;
    }
    piece_.remove_prefix(static_cast<std::size_t>(n));
    step.bytes += static_cast<std::size_t>(n);
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
