#pragma once

#include <chrono>
#include <optional>

#include "protocols/core/result.h"
#include "protocols/forward/options.h"
#include "server/config/config.h"
#include "server/sinks/record_template.h"

namespace penstock {

/// How records go over Forward protocol; what the upstreams of a sink share.
struct ForwardSending {
  std::optional<RecordTemplate> tag;  ///< none: the event's own, else the listener's name
  bool gzip = false;
  std::chrono::milliseconds ack_timeout{};
  std::optional<ForwardClientSecrets> secrets;  ///< none: no handshake
};

/// `config` has passed the checks. Reads the files of secrets; errors name the key.
Result<ForwardSending> make_forward_sending(const config::RelayForward& config);

}  // namespace penstock
