#pragma once

#include <string_view>

namespace penstock {

/// What the first bytes of a stream look like when they are not what a raw listener frames: `an HTTP request`,
/// `a TLS hello`, `a PROXY header`, `octet-counted frames` (only where `lines` are expected: elsewhere they are right).
/// Empty when there is nothing to say. Looks at no more than 16 bytes; a guess for the log, nothing is decided by it.
std::string_view first_bytes_hint(std::string_view first, bool lines) noexcept;

}  // namespace penstock
