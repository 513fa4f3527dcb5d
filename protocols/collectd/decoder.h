#pragma once

#include <memory>

#include "protocols/collectd/options.h"
#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"

namespace penstock {

/// collectd's binary protocol, as its network plugin sends it in datagrams: a values part or notification is an event
/// (collectd::write_event), of which collectd's plain text is the frame (collectd::render). A datagram is taken whole or
/// not at all (collectd::parse_datagram): a malformed one is unparsed, one whose signature, encryption or user is wrong, or
/// that is malformed where it is not as `security` asks, is rejected, whatever `unparsed` says. No streams.
std::unique_ptr<Decoder> make_collectd_decoder(const FramingOptions& framing,
                                               const CollectdOptions& options);

}  // namespace penstock
