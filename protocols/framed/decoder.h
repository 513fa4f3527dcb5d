#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framed/frame_handler.h"
#include "protocols/framing/options.h"

namespace penstock {

/// A decoder of any protocol whose frames the listener's framing finds: streams by `options.framing`, datagrams by
/// `options.split` (see take_datagram). Empty frames are counted and dropped. No deadlines.
///
/// Frames are at most max_frame_bytes long. The input of on_bytes need never hold more than max_frame_bytes +
/// kFramedExtraBytes unconsumed bytes: an unfinished frame longer than that is already known to be oversize.
///
/// Where a stream is malformed, or a frame is oversize with Oversize::kClose, on_bytes consumes all its input and says
/// why: the first max_frame_bytes of the broken part are rejected, once, and the rest is counted as discarded for the
/// same reason. So are all bytes that are handed in after that; the same `why` is returned for them.
///
/// With Framing::kJson a frame that is no JSON is rejected as malformed and the stream goes on.
std::unique_ptr<Decoder> make_framed_decoder(const FramingOptions& options,
                                             std::unique_ptr<FrameHandler> handler);

/// The same for the `raw` protocol: every frame is one record, its bytes unchanged.
std::unique_ptr<Decoder> make_unhandled_decoder(const FramingOptions& options);

/// The longest header of a length-prefixed frame; the framing bytes of the others are fewer.
inline constexpr std::size_t kFramedExtraBytes = 72;

}  // namespace penstock
