#pragma once

#include <optional>
#include <vector>

#include "server/config/problem.h"
#include "server/net/url.h"

namespace penstock {

/// One good URL of a listener, and where it stands.
struct ListenEntry {
  Url url;
  config::Place place;
};

/// What is wrong with the groups of a listener, those of its URLs and those of its `multicast` table, and shows without
/// the machine's interfaces and routes. `complete`: `entries` are all its URLs, none was refused.
config::Problems check_multicast(const config::Listener& listener,
                                 const std::vector<ListenEntry>& entries, bool complete);

/// The group that a udp URL names by a literal; nothing for others. Without the zone.
std::optional<SocketAddress> group_of(const Url& url);

}  // namespace penstock
