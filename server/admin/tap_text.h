#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "protocols/core/batch.h"

namespace penstock::admin {

/// What a person sees of a record, on a line of its own:
///
///     2026-11-25T12:00:00.123Z 192.0.2.1:40001 [truncated] the message
///
/// Safe for a terminal whatever the peer has sent: see log::append_plain. Of a longer message the first kMostShownBytes
/// stand there, and how many there are.
inline constexpr std::size_t kMostShownBytes = std::size_t{16} << 10;
void append_text(std::string& out, const Batch& batch, const Segment& segment,
                 const FrameRef& frame);

/// Who sent it, with the name of a unix peer's command: `pid=7,uid=0,gid=0,command=logger`.
std::string peer_text(const Peer& peer);

}  // namespace penstock::admin
