#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/problem.h"

namespace penstock {

/// Bits of FrameRef::flags.
enum FrameFlag : std::uint8_t {
  kFrameWhole = 0,
  kFrameTruncated = 1,  ///< longer than max_frame_bytes: the rest was cut off and counted
  kFramePartial = 2,    ///< the stream ended before the frame's own end
  kFrameUnparsed = 4,   ///< not in the form of the listener's protocol: goes on as it is
  kFrameInFields =
      8,  ///< lies among the batch's fields and not in its block; nobody but Batch looks at it
};

enum class FrameStatus : std::uint8_t {
  kFrame,      ///< one whole frame (possibly empty)
  kTruncated,  ///< the first max_frame_bytes of a longer frame; kSkipping follows until its end
  kSkipping,  ///< `consumed` bytes belong to no new frame: the rest of a truncated one, or a delimiter behind the last
  kNeedMore,  ///< no frame's end in the input; nothing consumed
  kMalformed,  ///< the stream cannot be resynchronised
  kRejected,  ///< `frame` is whole, or as much of it as may be kept, and no record; the stream goes on behind it
  kDiscarding,  ///< `consumed` bytes are the rest of a rejected frame
};

/// What the unconsumed input of a stream that has ended is, framing bytes taken off.
enum class TailKind : std::uint8_t {
  kUnfinished,      ///< a frame whose end has not come
  kEndsWithStream,  ///< a frame that the regular end of its stream, the peer's FIN, makes whole
  kRest,            ///< of a truncated frame
  kRejected,        ///< the beginning of a frame that is already known to be no record
};

/// What a framer found at the front of its input. A framer never allocates and never searches a byte more than twice
/// however the input is cut (it remembers how far it has scanned). Every consumed byte is in `frame`, in `framing`,
/// or, while skipping or discarding, in neither: those are cut, or refused like the frame they belong to.
struct FrameResult {
  FrameStatus status = FrameStatus::kNeedMore;
  bool line = false;         ///< kFrame only: the frame holds no LF, and one LF follows it directly
  std::size_t consumed = 0;  ///< bytes to drop from the front of the input, delimiter included
  std::size_t framing = 0;   ///< how many of those are delimiter, CR or count
  std::string_view frame = {};  ///< inside the input; only with kFrame, kTruncated, kRejected
  const char* why = "";         ///< kMalformed, kRejected: a plain reason, static storage
  std::size_t why_at = Problem::kNowhere;  ///< kRejected: the byte of `frame` at which it shows
};

}  // namespace penstock
