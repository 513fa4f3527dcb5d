#pragma once

#include <string>
#include <vector>

namespace penstock {

/// A one-line command that sends a first record to one of the bound `urls` (canonical form): `logger` for tcp and udp,
/// `socat` for unix kinds; empty when there is no URL. The easiest kind is preferred, whatever the order.
std::string try_hint(const std::vector<std::string>& urls);

}  // namespace penstock
