#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocols/core/aggregate.h"
#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"
#include "protocols/options.h"

namespace penstock {

/// What a protocol can be spoken over.
struct Transports {
  bool streams = false;
  bool datagrams = false;  ///< packets (unixpacket) included
};

/// Which events a protocol makes (EventShape): what an encoding must know.
enum class Makes : std::uint8_t { kNothing, kLogs, kMetrics, kBoth };

/// What a protocol does not take whatever the config says.
enum class Refuses : std::uint8_t {
  kNothing,
  kUnfinished,  ///< what is too long or unfinished: `oversize` and `tail` are not for it
  kAll          ///< and what is not in form: neither is `unparsed`
};

/// One row a protocol. A reader of this table knows all that the binary speaks.
struct ProtocolInfo {
  std::string_view name;  ///< value of `protocol` in the config
  Transports transports;
  std::uint16_t default_port;  ///< IANA's where one is registered, else the usual one, else 0
  bool acks;  ///< acknowledges what is delivered, so the completion of its batches is tracked
  Makes makes = Makes::kNothing;
  std::string_view carries =
      {};  ///< another protocol, whose messages are inside: its table `[listener.NAME]` counts too
  bool own_framing =
      false;  ///< the protocol says where its frames end: `framing` and `split` are not for it
  /// Acknowledges, so what it refuses its sender has still, and the policies for that are not for it.
  Refuses refuses = Refuses::kNothing;
  Framing framing = Framing::kNewline;  ///< of streams, where the config says none
  /// Of datagrams and packets, likewise; of a protocol with framing of its own: what it does.
  Split split = Split::kNone;
  std::size_t max_frame_bytes = std::size_t{64} << 10;  ///< likewise
  std::unique_ptr<Decoder> (*make)(const FramingOptions&, const ProtocolOptions&) = nullptr;
  /// What a listener with these options gathers over all its decoders: it is in the options from there on, for `make`.
  /// Null: nothing. No function: it never gathers anything. `memory` may be null.
  std::shared_ptr<Aggregate> (*aggregate)(ProtocolOptions&,
                                          std::shared_ptr<AggregateMemory> memory) = nullptr;
  /// Puts into the options of a listener what else its decoders share, for `make`. Null: nothing.
  void (*share)(ProtocolOptions&) = nullptr;
};

std::span<const ProtocolInfo> protocol_table() noexcept;

/// The row of that name; nullptr when there is none.
const ProtocolInfo* find_protocol(std::string_view name) noexcept;

}  // namespace penstock
