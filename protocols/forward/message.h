#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/problem.h"
#include "protocols/msgpack/value_scan.h"

namespace penstock::forward {

enum class Mode : std::uint8_t {
  kHeartbeat,  ///< nil, or an empty array
  kMessage,
  kForward,
  kPacked,
  kGzip,  ///< CompressedPackedForward
  kZstd,
};

/// One message of Forward protocol v1, https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1. Views of
/// its bytes.
struct Message {
  Mode mode = Mode::kHeartbeat;
  std::string_view tag;        ///< the text
  std::string_view tag_value;  ///< as MessagePack has it
  std::string_view
      entries;  ///< kForward: back to back; kPacked and the compressed: the payload; kMessage: `time record`
  std::string_view
      chunk;  ///< the value of `chunk`, MessagePack, to be sent back as it is; empty: no answer is wanted
  bool has_option = false;
};

inline constexpr std::size_t kMaxTagBytes = 1024;
inline constexpr std::size_t kMaxChunkBytes = 1024;

/// `scan` has found `bytes` whole.
Problem parse_message(std::string_view bytes, const msgpack::ValueScan& scan, Message& message);

}  // namespace penstock::forward
