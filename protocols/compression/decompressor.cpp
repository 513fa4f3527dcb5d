#include "protocols/compression/decompressor.h"

#include <algorithm>

namespace penstock {

InflateResult Decompressor::step(std::string_view input, std::span<char> room,
                                 std::size_t memory_bytes) {
  if (limits_.max_bytes != 0) {
    if (out_bytes_ >= limits_.max_bytes) return look_for_more(input, memory_bytes);
    const std::uint64_t left = limits_.max_bytes - out_bytes_;
    if (left < room.size()) room = room.first(static_cast<std::size_t>(left));
  }
  InflateResult result = inflater_->step(input, room, memory_bytes);
  in_bytes_ += result.consumed;
  out_bytes_ += result.produced;
  if (ratio_exceeded()) {
    result.status = InflateStatus::kOverLimit;
    result.why = limits_.over_ratio;
  }
  return result;
}

/// At the limit the stream may still end; one more byte is one too many.
InflateResult Decompressor::look_for_more(std::string_view input, std::size_t memory_bytes) {
  char one_more;
  InflateResult result = inflater_->step(input, {&one_more, 1}, memory_bytes);
  in_bytes_ += result.consumed;
  if (result.produced == 0) return result;
  result.produced = 0;
  result.status = InflateStatus::kOverLimit;
  result.why = limits_.over_bytes;
  return result;
}

bool Decompressor::ratio_exceeded() const noexcept {
  return limits_.max_ratio != 0 && out_bytes_ > limits_.grace_bytes &&
         (out_bytes_ - limits_.grace_bytes) / limits_.max_ratio >= in_bytes_;
}

void Decompressor::reset() noexcept {
  inflater_->reset();
  in_bytes_ = out_bytes_ = 0;
}

}  // namespace penstock
