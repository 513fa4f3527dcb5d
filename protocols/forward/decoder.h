#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/forward/options.h"
#include "protocols/framing/options.h"

namespace penstock {

/// Forward protocol v1 (with the entries of v1.5) of Fluentd and Fluent Bit, over streams; and on datagram sockets its
/// heartbeat, one byte 00, which is answered with the same. Modes: Message, Forward, PackedForward as bin or str, and that
/// compressed by gzip (several members too) or zstd.
///
/// An event has `tag`, `timestamp` (none where the sender's is 0), `metadata` where an entry has some, and the record as
/// `fields`. Its frame is a message of Message mode, `[tag, time, record]`, that can be sent again.
///
/// A message with a `chunk` is answered `{"ack": chunk}` once all of its events are delivered, in the order of the
/// messages. One that is no MessagePack, of another shape, or over a limit (max_frame_bytes, depth, what comes out of it
/// compressed) gives no event, and the connection ends without an answer, whatever `oversize` and `tail` say: its sender
/// has it still. With `secrets` the handshake must be over before the first message.
///
/// Left out: JSON in place of MessagePack; metrics and traces of Fluent Bit.
std::unique_ptr<Decoder> make_forward_decoder(const FramingOptions& framing,
                                              const ForwardOptions& options);

}  // namespace penstock
