#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/commands/send/options.h"

namespace penstock {

inline constexpr std::size_t kSequenceDigits = 12;
inline constexpr std::uint64_t kSequenceEnd = 1'000'000'000'000;  ///< sequence numbers are below
inline constexpr std::size_t kLargestPayload = std::size_t{64} << 20;

/// All records of one kind, size and seed: they differ in the twelve digits at `sequence_at` only, so that a receiver's
/// file can be compared byte for byte.
///
///   syslog  <134>1 2026-01-01T00:00:00.000000Z penstock send 1 - - seq=000000000000 abc...   (RFC 5424)
///   raw     seq=000000000000 abc...
///   json    {"pad":"abc...","seq":"000000000000"}
///   statsd  penstock.sendabc...:1|c|#seq:000000000000
struct PayloadTemplate {
  std::string text;             ///< with sequence number 0
  std::size_t sequence_at = 0;  ///< where its digits begin

  std::string record(std::uint64_t sequence) const;
};

/// Bytes of the shortest record of this kind.
std::size_t smallest_payload(PayloadKind kind) noexcept;

/// `size_bytes` is at least smallest_payload(kind). The padding is letters; `seed` says with which one it begins.
PayloadTemplate make_payload(PayloadKind kind, std::size_t size_bytes, std::uint64_t seed);

/// Writes `sequence` as twelve digits, zeros in front.
void write_sequence(char* to, std::uint64_t sequence) noexcept;
/// Reads twelve digits; nullopt when there is anything else among them.
std::optional<std::uint64_t> read_sequence(const char* from) noexcept;

}  // namespace penstock
