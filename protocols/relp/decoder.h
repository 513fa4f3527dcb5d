#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/relp/options.h"
#include "protocols/syslog/options.h"

namespace penstock {

/// RELP, the Reliable Event Logging Protocol of librelp (its relp.html), version 0, over streams: open, syslog, close. The
/// data of a syslog command are a message as the `syslog` protocol takes it, `syslog` says how; one LF at their end, which
/// the length counts, is no part of it.
///
/// `rsp 200 OK` goes out once the message is delivered, in the order of the commands; behind the last of them the answer
/// to close, `serverclose` and FIN. With max_window of them still to be answered the stream is not read on. A length over
/// max_frame_bytes is dealt with as `oversize` says; anything that breaks the frames, a command outside an open session
/// or an unknown one (answered 500) end the connection once what stood in front of it is answered. So does an unfinished
/// frame at the end, which is not delivered whatever `tail` says: its sender sends it again.
///
/// Left out: TLS by RELP's own starttls command, which no released librelp speaks.
std::unique_ptr<Decoder> make_relp_decoder(const FramingOptions& framing, const RelpOptions& relp,
                                           const SyslogOptions& syslog);

}  // namespace penstock
