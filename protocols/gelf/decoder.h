#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/gelf/options.h"

namespace penstock {

/// GELF, the format of Graylog (https://go2docs.graylog.org, "GELF", version 1.1): each message becomes a log record
/// (gelf::parse_message).
///
/// Datagrams and packets: JSON, gzip or zlib, in one piece or in chunks (gelf::ChunkTable); which of them it is the first
/// bytes say, of chunks when they are put together. What is corrupt, or longer than the limits allow, is rejected.
/// Streams: JSON, one a frame of the listener's framing (NUL as a rule); neither chunks nor compression.
std::unique_ptr<Decoder> make_gelf_decoder(const FramingOptions& framing,
                                           const GelfOptions& options);

}  // namespace penstock
