#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/syslog/options.h"

namespace penstock {

/// The `syslog` protocol: RFC 5424, and RFC 3164 in the many forms that devices and programs write, each message by
/// itself. Events are log records. Framing by RFC 6587 or lines, as the listener says; see parse_rfc5424 and
/// parse_rfc3164 for what is taken, and SyslogOptions.
///
/// A message that is neither is `unparsed`. One that begins with `z` and a zlib stream is decompressed first, as rsyslog
/// writes it (compression.mode = "single"); what cannot be is rejected as undecodable, or for its limit.
std::unique_ptr<Decoder> make_syslog_decoder(const FramingOptions& framing,
                                             const SyslogOptions& options);

}  // namespace penstock
