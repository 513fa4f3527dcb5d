#pragma once

#include "server/config/problem.h"

namespace penstock {

/// What is wrong with the admin address and can be seen without binding it: syntax, a scheme other than tcp and unix, an
/// address that others can reach without a token_file, and one that a listener has too. Main thread.
config::Problems check_admin(const config::Config& config);

}  // namespace penstock
