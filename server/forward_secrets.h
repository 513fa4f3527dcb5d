#pragma once

#include <memory>

#include "protocols/core/result.h"
#include "protocols/forward/options.h"

namespace penstock {

/// What stands in the files that `options` names; null where it asks for no handshake. A line of users_file is
/// `NAME:PASSWORD`; empty ones and those that begin with # count for nothing. Errors name the key, and no secret.
Result<std::shared_ptr<const ForwardSecrets>> read_forward_secrets(const ForwardOptions& options);

}  // namespace penstock
