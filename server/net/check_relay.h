#pragma once

#include "server/config/config.h"
#include "server/config/problem.h"

namespace penstock {

/// What is wrong with the URLs of relay sinks and can be seen without asking the resolver: syntax, no port, streams and
/// messages in one sink, and an address of this config's own listeners, to
/// which records would come back. In the order of the sinks.
config::Problems check_relay(const config::Config& config);

}  // namespace penstock
