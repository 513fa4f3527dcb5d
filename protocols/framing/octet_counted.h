#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/counted_payload.h"

namespace penstock {

/// Finds octet-counted frames, `MSG-LEN SP MSG` (RFC 6587 section 3.4.1). MSG-LEN is one to eight digits without
/// leading zero; anything else, a count of 0 included (the grammar has none), is kMalformed: a guess at where the next
/// frame begins would corrupt records.
///
/// Lenient in two points seen on the wire: one LF between frames is passed over, and one LF or CRLF at the end of MSG
/// (syslog-ng counts it) is framing, not record.
///
/// A count over `max_frame_bytes` gives kTruncated once the first max_frame_bytes of MSG are there, then kSkipping to
/// its end. The input never needs to hold more than max_frame_bytes + kExtraBytes.
class OctetCountedFramer {
 public:
  static constexpr std::size_t kMaxDigits = 8;
  static constexpr std::size_t kExtraBytes = kMaxDigits + 1;  ///< count and blank

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit OctetCountedFramer(std::size_t max_frame_bytes) noexcept : payload_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been parsed as count and blank; MSG is not searched at all.
  std::size_t scanned() const noexcept { return header_; }
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return payload_.skipping(); }
  /// A frame has just ended: one LF would be passed over.
  bool may_swallow_lf() const noexcept { return may_swallow_lf_; }
  void forget_lf() noexcept { may_swallow_lf_ = false; }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended: the count,
  /// whole or not. What lies between is the unfinished record, less than its count and at most max_frame_bytes.
  std::size_t tail_front(std::string_view tail) const noexcept;
  std::size_t tail_back(std::string_view) const noexcept { return 0; }

 private:
  enum class Header : std::uint8_t { kWhole, kCut, kBad };
  Header parse_header(std::string_view input) noexcept;
  void begin_next() noexcept;

  CountedPayload payload_;
  std::uint32_t length_ = 0;  // MSG-LEN as far as parsed
  std::uint8_t header_ = 0;   // bytes of the header parsed
  bool header_whole_ = false;
  bool may_swallow_lf_ = false;
  const char* why_ = "";
};

}  // namespace penstock
