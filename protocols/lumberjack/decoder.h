#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/lumberjack/options.h"

namespace penstock {

/// The Lumberjack protocol of Beats, Logstash and logstash-forwarder, versions 1 and 2, over streams: windows, events as
/// JSON (2) or pairs (1), compressed frames.
///
/// An event of version 2 is a log record as json_log_record makes it, its frame the JSON as it came. One of version 1 has
/// `line` as `message` and the other pairs as `fields`; its frame is an object of all of them. Sequence numbers are not
/// checked: some senders begin anew with each window, others count on.
///
/// A window is acknowledged as a whole, with its last event's sequence number, once all of it is delivered; until then
/// `ACK 0` goes out every `keepalive`. An event whose JSON is no object, or over `options.json`, is unparsed, and counts in
/// its window like any other. What breaks the stream (a version or type that is none, an event outside of a window, a
/// window in another one, a compressed frame in another one, anything over another limit) ends the connection without an
/// acknowledgement, whatever `oversize` and `tail` say: the sender has the window still.
std::unique_ptr<Decoder> make_lumberjack_decoder(const FramingOptions& framing,
                                                 const LumberjackOptions& options);

}  // namespace penstock
