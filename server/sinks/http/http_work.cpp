#include "server/sinks/http/http_work.h"

#include <algorithm>

#include "protocols/core/check.h"

namespace penstock {

std::size_t count_frames(const HttpWork& work) noexcept {
  std::size_t count = 0;
  for (const HttpPiece& piece : work.pieces) count += piece.frames.count;
  return count;
}

HttpPiece frame_of(const HttpWork& work, std::size_t index) noexcept {
  for (const HttpPiece& piece : work.pieces) {
    if (index < piece.frames.count) return {piece.held, {piece.frames.first + index, 1}};
    index -= piece.frames.count;
  }
  PENSTOCK_CHECK(false);
  return {};
}

HttpWork part_of(const HttpWork& work, std::size_t first, std::size_t count) {
  HttpWork part{{}, work.tries};
  for (const HttpPiece& piece : work.pieces) {
    const std::size_t skipped = std::min(first, piece.frames.count);
    const std::size_t taken = std::min(count, piece.frames.count - skipped);
    if (taken != 0) part.pieces.push_back({piece.held, {piece.frames.first + skipped, taken}});
    first -= skipped;
    count -= taken;
  }
  return part;
}

void add_range(std::vector<FrameRange>& ranges, FrameRange range) {
  if (range.count == 0) return;
  const auto at = std::find_if(ranges.begin(), ranges.end(),
                               [&](const FrameRange& other) { return other.first > range.first; });
  auto added = ranges.insert(at, range);
  if (added != ranges.begin()) {
    const auto before = std::prev(added);
    if (before->first + before->count == added->first) {
      before->count += added->count;
      added = std::prev(ranges.erase(added));
    }
  }
  const auto behind = std::next(added);
  if (behind == ranges.end() || added->first + added->count != behind->first) return;
  added->count += behind->count;
  ranges.erase(behind);
}

}  // namespace penstock
