#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "server/commands/send/options.h"

namespace penstock {

/// What stands in front of a record of `size_bytes` on the wire: the count and a blank, or nothing.
std::string frame_prefix(SendFraming framing, std::size_t size_bytes);
/// What stands behind it.
std::string_view frame_suffix(SendFraming framing) noexcept;

/// The byte that ends a record for the receiver, so that it cannot stand inside one; -1 where there is none.
int frame_delimiter(SendFraming framing) noexcept;

}  // namespace penstock
