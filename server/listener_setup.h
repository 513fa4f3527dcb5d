#pragma once

#include <memory>
#include <vector>

#include "protocols/table.h"
#include "server/config/config.h"
#include "server/net/listener_options.h"
#include "server/net/socket_source.h"

namespace penstock {

/// From a listener's configuration to what protocols and network are told; the only place that knows both sides.
/// `memory` is that of aggregates. `sinks` are all of the configuration: what those of the listener show decides what the network has to find out.
std::shared_ptr<const ListenerOptions> make_listener_options(
    const config::Listener& listener, const std::vector<config::Sink>& sinks,
    const ProtocolInfo& protocol, std::shared_ptr<AggregateMemory> memory);
BindOptions make_bind_options(const config::Listener& listener);

}  // namespace penstock
