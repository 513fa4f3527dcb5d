#include "server/commands/send/result.h"

#include <array>

namespace penstock {

std::string_view to_string(SendEnd end) noexcept {
  constexpr std::array<std::string_view, 7> names = {
      "open", "peer_eof", "reset", "timed_out", "not_connected", "sent", "failed"};
  return names[static_cast<std::size_t>(end)];
}

SendTotals totals(const SendResult& result) noexcept {
  SendTotals sum;
  for (const ConnectionResult& connection : result.connections) {
    sum.sent += connection.sent;
    sum.bytes += connection.bytes;
    sum.unacknowledged_bytes += connection.unacknowledged_bytes;
    sum.stopped_by_peer += connection.stopped_by_peer;
    sum.peer_eof += connection.end == SendEnd::kPeerEof;
    sum.reset += connection.end == SendEnd::kReset;
    sum.timed_out += connection.end == SendEnd::kTimedOut;
    sum.not_connected += connection.end == SendEnd::kNotConnected;
    sum.failed += connection.end == SendEnd::kFailed;
  }
  return sum;
}

}  // namespace penstock
