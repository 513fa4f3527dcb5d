#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock {

/// How a sender's connection ended.
enum class SendEnd : std::uint8_t {
  kOpen,          ///< not yet
  kPeerEof,       ///< FIN from both sides, and nothing of ours unacknowledged
  kReset,         ///< by the peer, or its socket is gone
  kTimedOut,      ///< no FIN from the peer within the timeout after ours
  kNotConnected,  ///< could not connect
  kSent,          ///< a datagram socket: nothing to wait for
  kFailed,        ///< the system refused to send (a record too large, no memory)
};
std::string_view to_string(SendEnd end) noexcept;

/// What one connection (or datagram socket) did.
struct ConnectionResult {
  SendEnd end = SendEnd::kOpen;
  bool idle = false;              ///< one of --idle: it had nothing to send
  bool stopped_by_peer = false;   ///< the peer's FIN came before all was sent
  std::uint64_t sent = 0;         ///< records wholly written
  std::uint64_t sent_at_fin = 0;  ///< of these before the peer's FIN was seen
  std::uint64_t bytes = 0;        ///< written, framing included
  std::uint64_t unacknowledged_bytes =
      0;  ///< SIOCOUTQ at a reset or timeout: tcp not acknowledged, unix not read
};

/// What the whole run did.
struct SendResult {
  std::vector<ConnectionResult> connections;  ///< those of --idle last
  double seconds = 0;                         ///< from the first record to the last one written
  std::uint64_t retries = 0;                  ///< ENOBUFS of udp
  std::uint64_t refused =
      0;  ///< ECONNREFUSED of udp: nobody listened, the datagram before it is lost
  std::uint64_t too_long = 0;  ///< records longer than a message can be: passed over, not sent
  bool interrupted = false;    ///< by a signal
  std::string error;           ///< the first one, empty when there was none
};

/// Sums over the connections.
struct SendTotals {
  std::uint64_t sent = 0, bytes = 0, unacknowledged_bytes = 0;
  std::uint64_t peer_eof = 0, reset = 0, timed_out = 0, not_connected = 0, failed = 0,
                stopped_by_peer = 0;
};
SendTotals totals(const SendResult& result) noexcept;

}  // namespace penstock
