#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"

namespace penstock {

/// The `statsd` protocol: a metric, an event or a service check a line (see parse_statsd), as statsd and DogStatsD clients
/// send them. Framing as the listener says; by default lines, in datagrams too. Events are metric points. A line that is
/// none of the three, or that max_frame_bytes cuts off, is `unparsed`.
std::unique_ptr<Decoder> make_statsd_decoder(const FramingOptions& framing);

}  // namespace penstock
