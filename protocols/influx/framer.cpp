#include "protocols/influx/framer.h"

namespace penstock::influx {

FrameResult LineFramer::next(std::string_view input) noexcept {
  if (skipping_) return skip(input);
  const std::string_view window = input.substr(0, max_ + kExtraBytes);
  if (walked_ == 0 && !window.empty()) {  // most lines are whole and hold no quote
    const char* lf = find_byte(window.data(), window.size(), '\n');
    if (lf != nullptr) {
      const auto length = static_cast<std::size_t>(lf - window.data());
      if (std::memchr(window.data(), '"', length) == nullptr) return whole(input, length);
    }
  }
  const std::size_t lf = walk(window);
  if (lf != window.size()) return whole(input, lf);
  // One byte over the maximum is still no proof: it may be the CR of a whole line.
  const bool may_be_cr = window.size() == max_ + 1 && window[max_] == '\r';
  if (window.size() > max_ && !may_be_cr) return truncated(input);
  return {};
}

/// The place of the LF that ends the line, or the window's size where it has not come.
std::size_t LineFramer::walk(std::string_view window) noexcept {
  std::size_t at = walked_;
  for (; at < window.size(); ++at) {
    const bool in_string = at_ == At::kString || at_ == At::kEscaped;
    if (window[at] == '\n') {
      if (!in_string) break;
      holds_lf_ = true;
    }
    step(window[at], at == 0 ? '\0' : window[at - 1]);
  }
  walked_ = at;
  return at;
}

void LineFramer::step(char c, char before) noexcept {
  const bool escaped = before == '\\';
  switch (at_) {
    case At::kBegin:
      if (c != ' ') at_ = c == '#' ? At::kRest : At::kKey;
      break;
    case At::kKey:
      if (c == ' ' && !escaped) at_ = At::kField;
      break;
    case At::kField:
      if (c == '=' && !escaped) at_ = At::kValue;
      break;
    case At::kValue: at_ = c == '"' ? At::kString : At::kBehindValue; break;
    case At::kString:
      if (c == '\\') at_ = At::kEscaped;
      if (c == '"') at_ = At::kBehindValue;
      break;
    case At::kEscaped: at_ = At::kString; break;
    case At::kBehindValue:
      if (c == ',') at_ = At::kField;
      if (c == ' ') at_ = At::kRest;
      break;
    case At::kRest: break;
  }
}

FrameResult LineFramer::whole(std::string_view input, std::size_t lf) noexcept {
  const std::size_t cr = lf != 0 && input[lf - 1] == '\r' ? 1 : 0;
  if (lf - cr > max_) return truncated(input);
  const bool line = cr == 0 && !holds_lf_;
  begin_line();
  return {.status = FrameStatus::kFrame,
          .line = line,
          .consumed = lf + 1,
          .framing = 1 + cr,
          .frame = input.substr(0, lf - cr)};
}

void LineFramer::begin_line() noexcept {
  walked_ = 0;
  at_ = At::kBegin;
  holds_lf_ = false;
}

FrameResult LineFramer::truncated(std::string_view input) noexcept {
  begin_line();
  skipping_ = true;
  return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
}

FrameResult LineFramer::skip(std::string_view input) noexcept {
  if (input.empty()) return {};
  const char* lf = find_byte(input.data(), input.size(), '\n');
  if (lf == nullptr) return {.status = FrameStatus::kSkipping, .consumed = input.size()};
  skipping_ = false;
  return {.status = FrameStatus::kSkipping,
          .consumed = static_cast<std::size_t>(lf - input.data()) + 1,
          .framing = 1};
}

}  // namespace penstock::influx
