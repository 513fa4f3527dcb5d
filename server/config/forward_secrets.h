#pragma once

#include <memory>
#include <optional>

#include "protocols/core/result.h"
#include "protocols/forward/options.h"
#include "server/config/config.h"

namespace penstock::config {

/// What stands in the files that `options` names; null where it asks for no handshake. A line of users_file is
/// `NAME:PASSWORD`; empty ones and those that begin with # count for nothing. Errors name the key, and no secret.
Result<std::shared_ptr<const ForwardSecrets>> read_forward_secrets(const ForwardOptions& options);

/// What the files that `forward` names say; nothing where it names no shared key. Errors name the key, and no secret.
Result<std::optional<ForwardClientSecrets>> read_forward_client_secrets(
    const RelayForward& forward);

}  // namespace penstock::config
