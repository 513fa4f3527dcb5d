#include "protocols/framing/octet_counted.h"

#include <algorithm>

#include "protocols/core/scanner.h"

namespace penstock {
namespace {

// One LF, or CRLF, at the end of the counted bytes.
std::size_t trailing_newline(std::string_view message) noexcept {
  if (message.ends_with("\r\n")) return 2;
  return message.ends_with('\n') ? 1 : 0;
}

}  // namespace

FrameResult OctetCountedFramer::next(std::string_view input) noexcept {
  if (payload_.skipping()) return payload_.skip(input);
  if (may_swallow_lf_ && !input.empty()) {
    may_swallow_lf_ = false;
    if (input.front() == '\n')
      return {.status = FrameStatus::kSkipping, .consumed = 1, .framing = 1};
  }
  if (!header_whole_) {
    switch (parse_header(input)) {
      case Header::kCut: return {};
      case Header::kBad: return {.status = FrameStatus::kMalformed, .why = why_};
      case Header::kWhole: break;
    }
  }
  FrameResult result = payload_.next(input, header_, length_);
  if (result.status == FrameStatus::kNeedMore) return result;
  if (result.status == FrameStatus::kFrame) {
    const std::size_t newline = trailing_newline(result.frame);
    result.framing += newline;
    result.frame.remove_suffix(newline);
  }
  begin_next();
  return result;
}

OctetCountedFramer::Header OctetCountedFramer::parse_header(std::string_view input) noexcept {
  for (; header_ < input.size(); ++header_) {
    const char c = input[header_];
    if (c == ' ' && header_ != 0) {
      ++header_;
      header_whole_ = true;
      return Header::kWhole;
    }
    if (!Scanner::is_digit(c))
      why_ = header_ == 0 ? "no octet count where a frame must begin"
                          : "octet count not ended by a blank";
    else if (header_ == 0 && c == '0')
      why_ = "octet count begins with 0";
    else if (header_ == kMaxDigits)
      why_ = "octet count of more than 8 digits";
    else {
      length_ = length_ * 10 + static_cast<std::uint32_t>(c - '0');
      continue;
    }
    return Header::kBad;
  }
  return Header::kCut;
}

void OctetCountedFramer::begin_next() noexcept {
  length_ = 0;
  header_ = 0;
  header_whole_ = false;
  may_swallow_lf_ = true;
}

std::size_t OctetCountedFramer::tail_front(std::string_view tail) const noexcept {
  return std::min<std::size_t>(header_, tail.size());
}

}  // namespace penstock
