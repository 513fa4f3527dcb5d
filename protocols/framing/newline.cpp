#include "protocols/framing/newline.h"

namespace penstock {

// `window` bytes hold no delimiter. One byte over the maximum is still no proof: it may be the CR of a whole frame.
FrameResult NewlineFramer::unfinished(std::string_view input, std::size_t window) noexcept {
  const bool may_be_cr = lines_ && window == max_ + 1 && input[max_] == '\r';
  if (window > max_ && !may_be_cr) return truncated(input);
  scanned_ = window;
  return {};
}

FrameResult NewlineFramer::truncated(std::string_view input) noexcept {
  scanned_ = 0;
  skipping_ = true;
  return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
}

// A CR before the delimiter counts as cut: it may have come, and been passed over, in an earlier read.
FrameResult NewlineFramer::skip(std::string_view input) noexcept {
  if (input.empty()) return {};
  const char* end = find_byte(input.data(), input.size(), delimiter_);
  if (end == nullptr) return {.status = FrameStatus::kSkipping, .consumed = input.size()};
  skipping_ = false;
  return {.status = FrameStatus::kSkipping,
          .consumed = static_cast<std::size_t>(end - input.data()) + 1,
          .framing = 1};
}

}  // namespace penstock
