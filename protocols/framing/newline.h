#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/find_byte.h"

namespace penstock {

/// Finds frames that end with one byte: LF, where a CR before it is stripped too (RFC 6587 section 3.4.2 and every
/// line-based protocol), or another delimiter such as NUL, where nothing is stripped.
///
/// A frame may hold `max_frame_bytes` bytes, CR and delimiter not counted. A longer one is reported as kTruncated as
/// soon as that is certain, so the input never needs to hold more than max_frame_bytes + kExtraBytes; what follows
/// is kSkipping up to and including the next delimiter.
class NewlineFramer {
 public:
  static constexpr std::size_t kExtraBytes = 2;  ///< CR and LF

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit NewlineFramer(std::size_t max_frame_bytes, char delimiter = '\n') noexcept
      : max_(max_frame_bytes), delimiter_(delimiter), lines_(delimiter == '\n') {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been searched; they are not searched again.
  std::size_t scanned() const noexcept { return scanned_; }
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return skipping_; }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended: the CR of
  /// a line whose LF did not come. What lies between is the unfinished record, at most max_frame_bytes.
  std::size_t tail_front(std::string_view) const noexcept { return 0; }
  std::size_t tail_back(std::string_view tail) const noexcept {
    return lines_ && tail.ends_with('\r') ? 1 : 0;
  }

 private:
  FrameResult unfinished(std::string_view input, std::size_t window) noexcept;
  FrameResult truncated(std::string_view input) noexcept;
  FrameResult skip(std::string_view input) noexcept;

  std::size_t max_;
  std::size_t scanned_ = 0;
  char delimiter_;
  bool lines_;
  bool skipping_ = false;
};

// Always inline: this is the path of every record, and FrameResult then never exists in memory.
[[gnu::always_inline]] inline FrameResult NewlineFramer::next(std::string_view input) noexcept {
  if (skipping_) [[unlikely]]
    return skip(input);
  const std::size_t window = std::min(input.size(), max_ + kExtraBytes);
  const std::size_t scanned = std::min(scanned_, window);
  const char* end = find_byte(input.data() + scanned, window - scanned, delimiter_);
  if (end == nullptr) return unfinished(input, window);
  scanned_ = 0;
  const auto length = static_cast<std::size_t>(end - input.data());
  const std::size_t cr = lines_ && length != 0 && end[-1] == '\r' ? 1 : 0;
  if (length - cr > max_) [[unlikely]]
    return truncated(input);
  return {.status = FrameStatus::kFrame,
          .line = lines_ && cr == 0,
          .consumed = length + 1,
          .framing = 1 + cr,
          .frame = {input.data(), length - cr}};
}

}  // namespace penstock
