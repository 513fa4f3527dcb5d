#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "server/pipeline/sink.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// "No segment": the end of a chain.
inline constexpr std::uint32_t kNoSegment = UINT32_MAX;

/// A place in what a chain of segments encodes to: in front of byte `skip` of the encoded frame `frame`.
struct Place {
  std::uint32_t segment =
      kNoSegment;         ///< index into Batch::segments; kNoSegment: behind the last record
  std::size_t frame = 0;  ///< index into Batch::frames
  std::size_t skip = 0;   ///< bytes of this record that are already out: not 0 means torn
};

/// Bytes that go out with one write(2) and the place behind them. Valid until the next call that uses the same buffer.
struct Piece {
  std::string_view bytes;
  Place end;
};

/// The segments of one batch that go to one destination, in order, as a linked list of indices, and how they turn into
/// large pieces: line segments that lie side by side are one piece of the block, the rest is gathered in `buffer`.
/// A view: batch, `next` and encoder outlive it.
class RecordChain {
 public:
  /// `next[i]` is the segment that follows segment i on its chain, or kNoSegment.
  RecordChain(const Batch& batch, const std::vector<std::uint32_t>& next,
              const Encoder& encoder) noexcept
      : batch_(batch), next_(next), encoder_(encoder) {}

  /// The place in front of the first record of a chain that begins with segment `head`.
  Place begin(std::uint32_t head) const noexcept;

  /// The same place, moved to the next segment that has frames where it stands behind those of its own.
  Place settle(Place place) const noexcept;

  /// What comes at `from`, at most about 1 MiB; empty at the end.
  Piece piece(const Place& from, EncodeBuffer& buffer) const;

  /// The front of `piece`, which begins at `from`: whole records of at most `room` bytes together, but at least one (or as
  /// much of it as the piece has).
  Piece front(const Place& from, const Piece& piece, std::size_t room) const;

  /// Bytes that the record at `place` still takes.
  std::size_t rest_of_record(const Place& place) const {
    return encoder_.encoded_bytes(batch_, batch_.segments[place.segment], place.frame) - place.skip;
  }

  /// What ends the torn record at `place` where it cannot be taken back: Encoder::torn_ending(), or in encodings with a
  /// RecordWalk its rest.
  std::string ending(const Place& place) const;

  /// The place `bytes` behind `from`. Walks the index: for the rare short write.
  Place advance(Place from, std::size_t bytes) const;

  /// Adds the frames from `from` on, a torn one included, to `ranges`.
  void remaining(Place from, std::vector<FrameRange>& ranges) const;

 private:
  Place behind_segment(const Place& place) const noexcept;
  bool lies_as_lines(const Place& place) const noexcept;
  std::string_view run(const Place& from, Place& end) const noexcept;

  const Batch& batch_;
  const std::vector<std::uint32_t>& next_;
  const Encoder& encoder_;
};

}  // namespace penstock
