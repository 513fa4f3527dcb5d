#include "protocols/framing/syslog_nul.h"

#include <algorithm>

#include "protocols/framing/find_byte.h"

namespace penstock {
namespace {

/// Of a line's end that stands before a message's NUL.
std::size_t line_end(std::string_view message) noexcept {
  if (message.ends_with("\r\n")) return 2;
  return message.ends_with('\n') ? 1 : 0;
}

}  // namespace

FrameResult SyslogNulFramer::next(std::string_view input, Ends ends) noexcept {
  if (skipping_) return skip(input, ends);
  const std::size_t window = std::min(input.size(), max_ + kExtraBytes);
  const std::size_t scanned = std::min(scanned_, window);
  const char* end = find_end(input.substr(scanned, window - scanned), ends);
  if (end == nullptr) return unfinished(input, window, ends);
  scanned_ = 0;
  const auto length = static_cast<std::size_t>(end - input.data());
  const std::string_view before = input.substr(0, length);
  const bool lf = last_end_ == End::kLf;
  const std::size_t more = lf ? tail_back(before, Ends::kNulOrLf) : line_end(before);
  if (length - more > max_) return truncated(input);
  return {.status = FrameStatus::kFrame,
          .line = lf && more == 0,
          .consumed = length + 1,
          .framing = 1 + more,
          .frame = before.substr(0, length - more)};
}

const char* SyslogNulFramer::find_end(std::string_view input, Ends ends) noexcept {
  const char* lf = ends == Ends::kNulOrLf ? find_byte(input.data(), input.size(), '\n') : nullptr;
  const std::size_t before =
      lf != nullptr ? static_cast<std::size_t>(lf - input.data()) : input.size();
  const char* nul = find_byte(input.data(), before, '\0');
  last_end_ = nul != nullptr ? End::kNul : lf != nullptr ? End::kLf : End::kNone;
  return nul != nullptr ? nul : lf;
}

// `window` bytes hold no end. A few bytes over the maximum may be the line's end of a whole frame.
FrameResult SyslogNulFramer::unfinished(std::string_view input, std::size_t window,
                                        Ends ends) noexcept {
  if (window > max_) {
    const std::string_view over = input.substr(max_, window - max_);
    const bool may_be_end =
        over == "\r" || (ends == Ends::kNul && (over == "\n" || over == "\r\n"));
    if (!may_be_end) return truncated(input);
  }
  scanned_ = window;
  return {};
}

FrameResult SyslogNulFramer::truncated(std::string_view input) noexcept {
  scanned_ = 0;
  skipping_ = true;
  last_end_ = End::kNone;
  return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
}

// A line's end before the NUL counts as cut: it may have come, and been passed over, in an earlier read.
FrameResult SyslogNulFramer::skip(std::string_view input, Ends ends) noexcept {
  if (input.empty()) return {};
  const char* end = find_end(input, ends);
  if (end == nullptr) return {.status = FrameStatus::kSkipping, .consumed = input.size()};
  skipping_ = false;
  return {.status = FrameStatus::kSkipping,
          .consumed = static_cast<std::size_t>(end - input.data()) + 1,
          .framing = 1};
}

std::size_t SyslogNulFramer::tail_back(std::string_view tail, Ends ends) noexcept {
  return ends == Ends::kNul ? line_end(tail) : tail.ends_with('\r') ? 1 : 0;
}

}  // namespace penstock
