#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"

namespace penstock {

/// Finds frames that end with the same bytes, any 1 to 64 of them. Nothing else is stripped: a CR before a LF stays.
/// The first place where the delimiter stands whole ends the frame, also where it overlaps with itself.
///
/// A frame may hold `max_frame_bytes` bytes, the delimiter not counted. A longer one is kTruncated as soon as that is
/// certain, so the input never needs to hold more than max_frame_bytes + kExtraBytes; what follows is kSkipping up to
/// and including the next delimiter. No byte is read twice (Knuth, Morris, Pratt), however delimiter and input repeat.
class DelimiterFramer {
 public:
  static constexpr std::size_t kMaxBytes = 64;
  static constexpr std::size_t kExtraBytes = kMaxBytes;

  /// `max_frame_bytes`: 1 to kMaxFrameBytes. `delimiter`: 1 to kMaxBytes bytes, copied.
  DelimiterFramer(std::size_t max_frame_bytes, std::string_view delimiter) noexcept;

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been searched; they are not read again.
  std::size_t scanned() const noexcept { return scanned_; }
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return skipping_; }

  /// A delimiter that has only begun is no framing: whether it is one nobody can know any more. So a tail may be longer
  /// than max_frame_bytes by a part of a delimiter.
  std::size_t tail_front(std::string_view) const noexcept { return 0; }
  std::size_t tail_back(std::string_view) const noexcept { return 0; }
  TailKind tail_kind() const noexcept {
    return skipping_ ? TailKind::kRest : TailKind::kUnfinished;
  }

 private:
  bool find_end(std::string_view input) noexcept;
  FrameResult skip(std::string_view input) noexcept;

  std::size_t max_;
  std::size_t scanned_ = 0;
  std::uint8_t size_;         // of the delimiter
  std::uint8_t matched_ = 0;  // how much of it the last scanned bytes are
  bool skipping_ = false;
  std::array<char, kMaxBytes> delimiter_{};
  std::array<std::uint8_t, kMaxBytes>
      border_{};  // of each prefix: its longest proper prefix that is its suffix too
};

}  // namespace penstock
