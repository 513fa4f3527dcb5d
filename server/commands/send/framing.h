#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/commands/send/options.h"

namespace penstock {

/// What stands in front of a record of `size_bytes` on the wire: the count and a blank, or nothing.
std::string frame_prefix(SendFraming framing, std::size_t size_bytes);
/// What stands behind it.
std::string_view frame_suffix(SendFraming framing) noexcept;

/// What is counted as part of `record` for the receiver to take off: receivers pass over one LF at the end of an
/// octet-counted frame (syslog-ng counts it), so a record that ends in LF gets one more.
std::string_view frame_padding(SendFraming framing, std::string_view record) noexcept;

/// The byte that ends a record for the receiver, so that it cannot stand inside one; -1 where there is none.
int frame_delimiter(SendFraming framing) noexcept;

/// What records travel in.
enum class Carrier : std::uint8_t { kStream, kMessages };

/// What a listener with this framing takes from the wire is `record`, byte for byte. On a stream it must not hold the
/// delimiter; in messages it may, but one LF or CRLF at the end of a message is framing. A CR at its end would be taken
/// for a part of the LF behind it.
bool keeps_whole(SendFraming framing, Carrier carrier, std::string_view record) noexcept;

}  // namespace penstock
