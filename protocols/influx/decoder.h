#pragma once

#include <memory>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/influx/options.h"

namespace penstock {

/// The `influx` protocol: points in InfluxDB's line protocol, one a line, where a text in quotes may hold line ends (see
/// influx::LineFramer and influx::LineParser); streams and datagrams alike. Events are metric points; comments and blank
/// lines are counted as framing. A line that is no point, or that max_frame_bytes cuts off, is `unparsed`.
///
/// Of `framing` only max_frame_bytes, oversize, tail and unparsed count.
std::unique_ptr<Decoder> make_influx_decoder(const FramingOptions& framing,
                                             const InfluxOptions& options);

}  // namespace penstock
