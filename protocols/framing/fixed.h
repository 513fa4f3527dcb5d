#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/core/frame.h"

namespace penstock {

/// Frames of one length, back to back, with nothing between them. None is ever too long, empty or malformed; what the
/// stream's end cuts short is an unfinished frame.
class FixedFramer {
 public:
  static constexpr std::size_t kExtraBytes = 0;

  /// `frame_bytes`: 1 to kMaxFrameBytes.
  explicit FixedFramer(std::size_t frame_bytes) noexcept : size_(frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended.
  FrameResult next(std::string_view input) noexcept {
    if (input.size() < size_) return {};
    return {.status = FrameStatus::kFrame, .consumed = size_, .frame = input.substr(0, size_)};
  }

  std::size_t scanned() const noexcept { return 0; }  ///< no byte is looked at
  bool skipping() const noexcept { return false; }
  std::size_t tail_front(std::string_view) const noexcept { return 0; }
  std::size_t tail_back(std::string_view) const noexcept { return 0; }

 private:
  std::size_t size_;
};

}  // namespace penstock
