#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/core/frame.h"

namespace penstock {

/// A whole stream is one frame: its regular end is the frame's end. More than `max_frame_bytes` give kTruncated at once,
/// and all that follows is kSkipping. A stream without a byte has no frame.
class NoneFramer {
 public:
  static constexpr std::size_t kExtraBytes = 1;

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit NoneFramer(std::size_t max_frame_bytes) noexcept : max_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept {
    if (skipping_) {
      if (input.empty()) return {};
      return {.status = FrameStatus::kSkipping, .consumed = input.size()};
    }
    if (input.size() <= max_) return {};
    skipping_ = true;
    return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
  }

  std::size_t scanned() const noexcept { return 0; }  ///< no byte is looked at
  /// The rest of a truncated stream is being passed over.
  bool skipping() const noexcept { return skipping_; }
  std::size_t tail_front(std::string_view) const noexcept { return 0; }
  std::size_t tail_back(std::string_view) const noexcept { return 0; }
  TailKind tail_kind() const noexcept { return TailKind::kEndsWithStream; }

 private:
  std::size_t max_;
  bool skipping_ = false;
};

}  // namespace penstock
