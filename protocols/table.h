#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "protocols/core/decoder.h"
#include "protocols/framing/options.h"

namespace penstock {

/// The options of one listener's protocol.
using ProtocolOptions = std::variant<FramingOptions>;

/// What a protocol can be spoken over.
struct Transports {
  bool streams = false;
  bool datagrams = false;  ///< packets (unixpacket) included
};

/// One row a protocol. A reader of this table knows all that the binary speaks.
struct ProtocolInfo {
  std::string_view name;  ///< value of `protocol` in the config
  Transports transports;
  std::uint16_t default_port;  ///< IANA's where one is registered, else 0
  bool acks;  ///< acknowledges what is delivered, so the completion of its batches is tracked
  std::unique_ptr<Decoder> (*make)(
      const ProtocolOptions&);  ///< the options must be those of this protocol
};

std::span<const ProtocolInfo> protocol_table() noexcept;

/// The row of that name; nullptr when there is none.
const ProtocolInfo* find_protocol(std::string_view name) noexcept;

}  // namespace penstock
