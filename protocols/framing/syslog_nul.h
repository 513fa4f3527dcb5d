#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"

namespace penstock {

/// Finds syslog messages that end with NUL, and a LF or CRLF before it is no part of them; or, as long as it is not known
/// how a connection's messages end, with NUL or LF.
///
/// A frame may hold `max_frame_bytes` bytes, what ends it not counted. A longer one is kTruncated as soon as that is
/// certain, so the input never needs to hold more than max_frame_bytes + kExtraBytes; what follows is kSkipping up to and
/// including its end.
class SyslogNulFramer {
 public:
  static constexpr std::size_t kExtraBytes = 3;  ///< CR, LF and NUL

  enum class Ends : std::uint8_t { kNul, kNulOrLf };
  enum class End : std::uint8_t { kNone, kNul, kLf };

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit SyslogNulFramer(std::size_t max_frame_bytes) noexcept : max_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then. `ends` may
  /// change between frames only.
  FrameResult next(std::string_view input, Ends ends) noexcept;

  /// What ended the frame, or the rest of one, that was found last; kNone within a frame.
  End last_end() const noexcept { return last_end_; }
  /// How many of the unconsumed bytes have been searched; they are not searched again.
  std::size_t scanned() const noexcept { return scanned_; }
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return skipping_; }

  /// Framing bytes at the back of `tail`, the unconsumed input of a stream that has ended.
  static std::size_t tail_back(std::string_view tail, Ends ends) noexcept;

 private:
  const char* find_end(std::string_view input, Ends ends) noexcept;
  FrameResult unfinished(std::string_view input, std::size_t window, Ends ends) noexcept;
  FrameResult truncated(std::string_view input) noexcept;
  FrameResult skip(std::string_view input, Ends ends) noexcept;

  std::size_t max_;
  std::size_t scanned_ = 0;
  bool skipping_ = false;
  End last_end_ = End::kNone;
};

}  // namespace penstock
