#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/json/options.h"

namespace penstock {

/// JSON records (RFC 8259): one object a frame, each of which becomes a log record (json_log_record). Streams are lines as
/// a rule, or values one behind the other with Framing::kJson; a datagram holds lines. A byte order mark in front of an
/// object is passed over. Arrays, other values and what is no JSON are unparsed.
std::unique_ptr<Decoder> make_json_decoder(const FramingOptions& framing,
                                           const JsonOptions& options);

}  // namespace penstock
