#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/result.h"

namespace penstock {

/// The port that `text` names for `protocol` ("tcp" or "udp"), by the rules of Go's net.LookupPort: empty is 0; a
/// decimal number may carry a sign and leading zeros; anything else is a service name of /etc/services, aliases
/// included, in any case. Where that file is missing, a small built-in table serves. The error is what is wrong
/// without naming the URL: `invalid port "-1", expected 0 to 65535`, `unknown port "tcp/nosuch", ...`. Any thread.
Result<std::uint16_t> parse_port(std::string_view text, std::string_view protocol);

}  // namespace penstock
