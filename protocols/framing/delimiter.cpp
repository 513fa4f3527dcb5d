#include "protocols/framing/delimiter.h"

#include <algorithm>

#include "protocols/core/check.h"
#include "protocols/framing/find_byte.h"

namespace penstock {

DelimiterFramer::DelimiterFramer(std::size_t max_frame_bytes, std::string_view delimiter) noexcept
    : max_(max_frame_bytes), size_(static_cast<std::uint8_t>(delimiter.size())) {
  PENSTOCK_CHECK(!delimiter.empty() && delimiter.size() <= kMaxBytes);
  std::copy(delimiter.begin(), delimiter.end(), delimiter_.begin());
  std::uint8_t border = 0;
  for (std::size_t i = 1; i < size_; ++i) {
    while (border != 0 && delimiter_[i] != delimiter_[border]) border = border_[border - 1u];
    if (delimiter_[i] == delimiter_[border]) ++border;
    border_[i] = border;
  }
}

// Searches on from where the last call ended. True: a delimiter ends at scanned_.
bool DelimiterFramer::find_end(std::string_view input) noexcept {
  while (scanned_ < input.size()) {
    if (matched_ == 0) {
      const char* first =
          find_byte(input.data() + scanned_, input.size() - scanned_, delimiter_[0]);
      if (first == nullptr) {
        scanned_ = input.size();
        return false;
      }
      scanned_ = static_cast<std::size_t>(first - input.data());
    }
    const char byte = input[scanned_++];
    while (matched_ != 0 && delimiter_[matched_] != byte) matched_ = border_[matched_ - 1u];
    if (delimiter_[matched_] == byte && ++matched_ == size_) {
      matched_ = 0;
      return true;
    }
  }
  return false;
}

FrameResult DelimiterFramer::next(std::string_view input) noexcept {
  if (skipping_) return skip(input);
  if (find_end(input.substr(0, max_ + size_))) {
    const std::size_t end = scanned_;
    scanned_ = 0;
    return {.status = FrameStatus::kFrame,
            .line = size_ == 1 && delimiter_[0] == '\n',
            .consumed = end,
            .framing = size_,
            .frame = input.substr(0, end - size_)};
  }
  if (scanned_ - matched_ <= max_) return {};
  scanned_ -= max_;  // what was searched beyond the maximum is not searched again
  skipping_ = true;
  return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
}

// Bytes that may be the beginning of the delimiter wait: whether they are framing or cut is not known yet.
FrameResult DelimiterFramer::skip(std::string_view input) noexcept {
  if (find_end(input)) {
    const std::size_t end = scanned_;
    scanned_ = 0;
    skipping_ = false;
    return {.status = FrameStatus::kSkipping, .consumed = end, .framing = size_};
  }
  const std::size_t passed = scanned_ - matched_;
  if (passed == 0) return {};
  scanned_ = matched_;
  return {.status = FrameStatus::kSkipping, .consumed = passed};
}

}  // namespace penstock
