#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/statsd/options.h"

namespace penstock {

/// The `statsd` protocol: a metric, an event or a service check a line (see parse_statsd), as statsd and DogStatsD clients
/// send them. Framing as the listener says; by default lines, in datagrams too. Events are metric points. A line that is
/// none of the three, or that max_frame_bytes cuts off, is `unparsed`.
///
/// With `options.aggregate` metrics are added to it and make no event of their own, except those that have a time of their
/// own (DogStatsD 1.3: they are final), parts that nobody has defined, a stream that ended in them, or no room there.
std::unique_ptr<Decoder> make_statsd_decoder(const FramingOptions& framing,
                                             const StatsdOptions& options = {});

}  // namespace penstock
