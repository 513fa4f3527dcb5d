#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock {

/// Why bytes or frames that were read did not become records. One name in logs, quarantine, ledger and metrics.
enum class Reason : std::uint8_t {
  kMalformed,      ///< the framing cannot be resynchronised; the connection closes
  kOversize,       ///< longer than max_frame_bytes with `oversize = "drop"` or `"close"`
  kTailFin,        ///< an unfinished frame at the peer's FIN, by `tail` policy
  kTailReset,      ///< ... at a reset by the peer
  kTailTimeout,    ///< ... at an idle timeout
  kTailDeadline,   ///< ... at the stop's deadline
  kPartialBudget,  ///< ... when the unfinished frames of all connections exceeded their budget
  kRefused,  ///< of a connection that was refused (a limit, a handshake), read to end it with FIN
  kUndelivered,      ///< a required sink failed for good
  kUnparsed,         ///< not in the form of the listener's protocol, with `unparsed = "quarantine"`
  kUndecodable,      ///< compressed bytes that are corrupt, cut, or not what content_encoding says
  kDecompressLimit,  ///< ... of which more came out than max_decompressed_bytes or _ratio allow
  kCount
};
inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::kCount);

constexpr std::string_view to_string(Reason reason) noexcept {
  constexpr std::array<std::string_view, kReasonCount> names = {
      "malformed",    "oversize",      "tail_fin",       "tail_reset",
      "tail_timeout", "tail_deadline", "partial_budget", "refused",
      "undelivered",  "unparsed",      "undecodable",    "decompress_limit"};
  return names[static_cast<std::size_t>(reason)];
}

}  // namespace penstock
