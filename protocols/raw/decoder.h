#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"

namespace penstock {

/// The `raw` protocol: every frame is one record, its bytes unchanged, NUL bytes and invalid UTF-8 included. Empty
/// frames are counted and dropped. Never replies, has no deadlines. Streams and datagrams (see take_datagram).
///
/// Records are at most max_frame_bytes long. The input of on_bytes need never hold more than max_frame_bytes +
/// kRawExtraBytes unconsumed bytes: an unfinished frame longer than that is already known to be oversize.
///
/// Where a stream is malformed, or a frame is oversize with Oversize::kClose, on_bytes consumes all its input and says
/// why: the first max_frame_bytes of the broken part are rejected, once, and the rest is counted as discarded for the
/// same reason. So are all bytes that are handed in after that; the same `why` is returned for them.
///
/// With Framing::kJson a frame that is no JSON is rejected as malformed and the stream goes on (Consumed::rejected).
std::unique_ptr<Decoder> make_raw_decoder(const FramingOptions& options);

/// The longest header of a length-prefixed frame; the framing bytes of the others are fewer.
inline constexpr std::size_t kRawExtraBytes = 72;

}  // namespace penstock
