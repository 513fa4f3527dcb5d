#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocols/core/frame.h"

namespace penstock {

/// What framers that count have in common: the bytes behind a header that told their number. A length over the maximum
/// gives kTruncated once the first max_frame_bytes are there, then kSkipping over exactly the rest.
class CountedPayload {
 public:
  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit CountedPayload(std::size_t max_frame_bytes) noexcept : max_(max_frame_bytes) {}

  /// `input` begins with a whole header of `header` bytes; any `length` will do. Not while skipping.
  FrameResult next(std::string_view input, std::size_t header, std::uint64_t length) noexcept {
    const bool fits = length <= max_;
    const std::size_t size = fits ? static_cast<std::size_t>(length) : max_;
    if (input.size() - header < size) return {};
    if (!fits) skip_ = length - max_;
    return {.status = fits ? FrameStatus::kFrame : FrameStatus::kTruncated,
            .consumed = header + size,
            .framing = header,
            .frame = input.substr(header, size)};
  }

  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return skip_ != 0; }
  FrameResult skip(std::string_view input) noexcept {
    if (input.empty()) return {};
    const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, input.size()));
    skip_ -= bytes;
    return {.status = FrameStatus::kSkipping, .consumed = bytes};
  }

 private:
  std::size_t max_;
  std::uint64_t skip_ = 0;  // bytes of a truncated frame still to come
};

}  // namespace penstock
