#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/core/batch.h"
#include "server/net/rate_meter.h"

namespace penstock {

/// What we know of one of our sockets at one moment; the kernel's part is a KernelSocket with the same cookie. A plain
/// value, filled on the socket's loop; what it points to lives as long as the listeners do.
struct SocketRow {
  enum class Kind : std::uint8_t { kListening, kDatagram, kConnection };
  enum class Phase : std::uint8_t {
    kPreface,  ///< who the peer is, is still being said
    kServing,
    kPaused,      ///< not read: see paused_by
    kDraining,    ///< our FIN is out, or will be behind the last acknowledgement; it is read
    kFrozen,      ///< takes nothing new, is read to the end
    kDiscarding,  ///< read and thrown away, until the peer has seen our FIN
    kFinishing,   ///< the peer has finished, acknowledgements are still out
  };

  Kind kind = Kind::kConnection;
  Phase phase = Phase::kServing;
  const Origin* origin = nullptr;
  ConnectionId id = 0;  ///< 0 for those that are no connection
  Peer peer;
  std::uint64_t cookie = 0;
  std::uint64_t read_bytes = 0, events = 0;  ///< in all
  RateMeter::Rates rates;
  std::size_t held_bytes = 0;          ///< of an unfinished frame
  std::size_t unsent_reply_bytes = 0;  ///< that wait in process for a peer that does not read
  std::chrono::milliseconds age{0};
  /// Since the last byte (listening: the last peer), or since we were the slow side: as idle_timeout counts it.
  std::chrono::milliseconds idle{0};
  std::optional<std::chrono::milliseconds> paused;
  std::string_view paused_by;  ///< a sink's name, `memory` or `decompressor`; empty: nobody
};

std::string_view to_string(SocketRow::Kind kind) noexcept;
std::string_view to_string(SocketRow::Phase phase) noexcept;

}  // namespace penstock
