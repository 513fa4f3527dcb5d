#include "protocols/influx/framer.h"

namespace penstock::influx {
namespace {

/// Where `byte` stands from `at` on, else the text's size.
std::size_t find(std::string_view text, std::size_t at, char byte) noexcept {
  const char* found = find_byte(text.data() + at, text.size() - at, byte);
  return found == nullptr ? text.size() : static_cast<std::size_t>(found - text.data());
}

}  // namespace

FrameResult LineFramer::next(std::string_view input) noexcept {
  if (skipping_) return skip(input);
  const std::string_view window = input.substr(0, max_ + kExtraBytes);
  if (walked_ == 0 && !window.empty()) {  // most lines are whole and hold no quote
    const char* lf = find_byte(window.data(), window.size(), '\n');
    if (lf != nullptr) {
      const auto length = static_cast<std::size_t>(lf - window.data());
      if (std::memchr(window.data(), '"', length) == nullptr) {
        walked_ = length;
        return whole(input, length);
      }
    }
  }
  const std::size_t lf = walk(window);
  if (lf != window.size()) return whole(input, lf);
  // One byte over the maximum is still no proof: it may be the CR of a whole line.
  const bool may_be_cr = window.size() == max_ + 1 && window[max_] == '\r';
  if (window.size() > max_ && !may_be_cr) return truncated(input);
  return {};
}

std::size_t LineFramer::closing_quotes() const noexcept {
  if (at_ == At::kEscaped) return 2;
  return at_ == At::kString ? 1 : 0;
}

/// The place of the LF that ends the line, or the window's size where it has not come.
std::size_t LineFramer::walk(std::string_view window) noexcept {
  std::size_t at = walked_, lf = find(window, at, '\n');
  for (;;) {
    const bool in_string = at_ == At::kString || at_ == At::kEscaped;
    if (at == (in_string ? window.size() : lf)) break;
    at = in_string ? pass_string(window, at) : pass(window.substr(0, lf), at);
    if (at <= lf) continue;
    holds_lf_ = true;
    lf = find(window, at, '\n');
  }
  walked_ = at;
  return at;
}

/// One part of `line`, which does not go on behind its end: gives the place behind it.
std::size_t LineFramer::pass(std::string_view line, std::size_t at) noexcept {
  switch (at_) {
    case At::kBegin:
      if (line[at] != ' ') at_ = line[at] == '#' ? At::kRest : At::kKey;
      return at + 1;
    case At::kKey: return pass_to(line, at, ' ', At::kField);
    case At::kField: return pass_to(line, at, '=', At::kValue);
    case At::kValue: at_ = line[at] == '"' ? At::kString : At::kBehindValue; return at + 1;
    case At::kBehindValue:
      while (at < line.size() && line[at] != ',' && line[at] != ' ') ++at;
      if (at == line.size()) return at;
      at_ = line[at] == ',' ? At::kField : At::kRest;
      return at + 1;
    case At::kString:
    case At::kEscaped:
    case At::kRest: break;
  }
  return line.size();
}

bool LineFramer::is_escaped(std::string_view line, std::size_t at) const noexcept {
  return at == 0 ? behind_backslash_ : line[at - 1] == '\\';
}

/// Up to `byte` without a backslash before it, and then `then`.
std::size_t LineFramer::pass_to(std::string_view line, std::size_t at, char byte,
                                At then) noexcept {
  for (at = find(line, at, byte); at < line.size(); at = find(line, at + 1, byte)) {
    if (is_escaped(line, at)) continue;
    at_ = then;
    return at + 1;
  }
  return at;
}

std::size_t LineFramer::pass_string(std::string_view window, std::size_t at) noexcept {
  if (at_ == At::kEscaped) ++at;
  at_ = At::kString;
  for (; at < window.size(); ++at) {
    if (window[at] == '"') {
      at_ = At::kBehindValue;
      return at + 1;
    }
    if (window[at] != '\\') continue;
    if (++at == window.size()) at_ = At::kEscaped;
  }
  return window.size();
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
  skipping_ = false;
  behind_backslash_ = false;
}

/// walk() has passed the maximum, or found the LF behind it.
FrameResult LineFramer::truncated(std::string_view input) noexcept {
  walked_ -= max_;
  skipping_ = true;
  read_more_ = max_;
  return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
}

FrameResult LineFramer::skip(std::string_view input) noexcept {
  if (input.empty()) return {};
  const std::string_view window = input.substr(0, std::max(read_more_, walked_));
  std::size_t lf = walk(window);
  if (lf == window.size()) lf = find(input, lf, '\n');
  if (lf != input.size()) {
    begin_line();
    return {.status = FrameStatus::kSkipping, .consumed = lf + 1, .framing = 1};
  }
  walked_ = 0;
  behind_backslash_ = input.back() == '\\';
  read_more_ -= std::min(read_more_, input.size());
  return {.status = FrameStatus::kSkipping, .consumed = input.size()};
}

}  // namespace penstock::influx
