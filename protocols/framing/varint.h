#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/counted_payload.h"

namespace penstock {

/// Finds frames with an unsigned LEB128 length in front: the delimited streams of Protocol Buffers
/// (writeDelimitedTo, `google::protobuf::util::SerializeDelimitedTo*`). A length of 0 is an empty frame.
///
/// A length has at most ten bytes and 64 bits; more of either is kMalformed. A longer form than needed (`80 00` for 0)
/// is taken, as Protocol Buffers' own parsers take it. A length over `max_frame_bytes` gives kTruncated, then kSkipping
/// over exactly the rest. The input never needs to hold more than max_frame_bytes + kExtraBytes.
class VarintFramer {
 public:
  static constexpr std::size_t kExtraBytes = 10;  ///< the longest length

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit VarintFramer(std::size_t max_frame_bytes) noexcept : payload_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been parsed as length; the payload is not searched at all.
  std::size_t scanned() const noexcept { return header_; }
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return payload_.skipping(); }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended: the length,
  /// whole or not.
  std::size_t tail_front(std::string_view tail) const noexcept {
    return std::min<std::size_t>(header_, tail.size());
  }
  std::size_t tail_back(std::string_view) const noexcept { return 0; }

 private:
  enum class Header : std::uint8_t { kWhole, kCut, kBad };
  Header parse_header(std::string_view input) noexcept;

  CountedPayload payload_;
  std::uint64_t length_ = 0;  // as far as parsed
  std::uint8_t header_ = 0;   // bytes of it parsed
  bool header_whole_ = false;
};

}  // namespace penstock
