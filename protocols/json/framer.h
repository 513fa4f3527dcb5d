#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/framing/json.h"
#include "protocols/json/problem.h"

namespace penstock {

/// JsonFramer whose frames are valid JSON: what its brackets, quotes and words enclose is parsed, and rejected where it
/// is no value. A truncated frame is the beginning of one and not parsed.
class ValidJsonFramer {
 public:
  static constexpr std::size_t kExtraBytes = JsonFramer::kExtraBytes;

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit ValidJsonFramer(std::size_t max_frame_bytes) noexcept : ends_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) {
    const FrameResult found = ends_.next(input);
    if (found.status != FrameStatus::kFrame) return found;
    const Problem problem = json_problem(found.frame, input.size() - found.frame.size());
    return problem ? ends_.refuse(input, found, problem) : found;
  }

  std::size_t scanned() const noexcept { return ends_.scanned(); }
  bool skipping() const noexcept { return ends_.skipping(); }
  std::size_t tail_front(std::string_view tail) const noexcept { return ends_.tail_front(tail); }
  std::size_t tail_back(std::string_view tail) const noexcept { return ends_.tail_back(tail); }
  TailKind tail_kind() const noexcept { return ends_.tail_kind(); }
  /// What keeps `tail`, which the end of its stream has made whole, from being a record.
  static Problem tail_problem(std::string_view tail) { return json_problem(tail); }

 private:
  JsonFramer ends_;
};

}  // namespace penstock
