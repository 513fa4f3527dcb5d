#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/core/batch_writer.h"
#include "protocols/core/decoder.h"
#include "protocols/framed/frame_handler.h"
#include "protocols/framing/options.h"

namespace penstock {

/// Under which name the unfinished frame of a stream counts that ended so.
Reason tail_reason(EndReason cause) noexcept;

/// What the options make of a frame that is not simply whole. Each counts its bytes in exactly one member of
/// FrameCounts, so that the ledger's identities hold after every call (DESIGN.md section 7).

/// A frame longer than the maximum, of which `head` are the first bytes: adds or rejects it, once.
void take_oversize(const FramingOptions& options, std::string_view head, FrameHandler& handler,
                   FrameContext& context);

/// `bytes` of the rest of such a frame: cut, or discarded.
void take_rest(const FramingOptions& options, std::size_t bytes, BatchWriter& writer) noexcept;

/// The unfinished record at the end of a stream, framing bytes taken off. No byte of a record is no frame.
void take_tail(const FramingOptions& options, EndReason cause, std::string_view record,
               FrameHandler& handler, FrameContext& context);

/// One datagram or packet: `input` as received, `wire_bytes` as sent. A frame each, or one a line with Split::kNewline;
/// without bytes it is an empty frame.
///
/// One delimiter at its end is framing, since many senders put one there: NUL where the listener's framing is `nul`, its
/// own where that is `delimiter`, else LF or CRLF; so that one datagram becomes one line of a file. All other bytes, NUL included, pass unchanged. What
/// exceeds max_frame_bytes, or was cut off by the kernel, makes it oversize.
void take_datagram(const FramingOptions& options, std::string_view input, std::size_t wire_bytes,
                   FrameHandler& handler, FrameContext& context);

}  // namespace penstock
