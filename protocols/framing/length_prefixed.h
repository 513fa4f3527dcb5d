#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/counted_payload.h"

namespace penstock {

/// Where a binary length stands in the header of a frame, and what it counts.
struct LengthField {
  std::uint8_t bytes = 4;  ///< 1, 2, 4 or 8
  std::endian order = std::endian::big;
  std::uint8_t offset = 0;       ///< bytes of the header in front of it, 0 to 64
  bool includes_header = false;  ///< it counts the header too, not the payload alone

  std::size_t header_bytes() const noexcept { return std::size_t{offset} + bytes; }
  friend bool operator==(const LengthField&, const LengthField&) = default;
};

/// Finds frames of which a binary length tells the end. The record is what lies behind the length field; the header,
/// whatever stands in it before the length, is framing. A length of 0 is an empty frame.
///
/// Every length is possible on the wire and none is looked at twice: one over `max_frame_bytes` gives kTruncated, then
/// kSkipping over exactly the rest, be it 2^64 bytes. Only one that counts the header and is smaller than it is
/// kMalformed. The input never needs to hold more than max_frame_bytes + kExtraBytes.
class LengthPrefixedFramer {
 public:
  static constexpr std::size_t kMaxOffset = 64;
  static constexpr std::size_t kExtraBytes = kMaxOffset + sizeof(std::uint64_t);  ///< the header

  /// `max_frame_bytes`: 1 to kMaxFrameBytes, of payload.
  LengthPrefixedFramer(std::size_t max_frame_bytes, LengthField field) noexcept
      : payload_(max_frame_bytes), field_(field) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been parsed as header; the payload is not searched at all.
  std::size_t scanned() const noexcept { return known_ ? field_.header_bytes() : 0; }
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return payload_.skipping(); }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended: the header,
  /// whole or not.
  std::size_t tail_front(std::string_view tail) const noexcept;
  std::size_t tail_back(std::string_view) const noexcept { return 0; }

 private:
  CountedPayload payload_;
  std::uint64_t length_ = 0;  // of the payload
  LengthField field_;
  bool known_ = false;  // length_ is that of the frame at the front
};

}  // namespace penstock
