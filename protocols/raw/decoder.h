#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"

namespace penstock {

/// The `raw` protocol: every frame is one record, its bytes unchanged, NUL bytes and invalid UTF-8 included. Empty
/// frames are counted and dropped. Never replies, has no deadlines. Streams and datagrams: see make_framed_decoder.
std::unique_ptr<Decoder> make_raw_decoder(const FramingOptions& options);

}  // namespace penstock
