#include "protocols/framing/syslog_auto.h"

#include "protocols/core/scanner.h"

namespace penstock {

// Digits seen in an earlier read are not looked at again.
SyslogAutoFramer::Kind SyslogAutoFramer::decide(std::string_view input) noexcept {
  // The LF that some senders put behind a counted frame is no empty line.
  if (digits_ == 0 && count_.may_swallow_lf() && input.starts_with('\n')) return Kind::kCount;
  for (; digits_ < input.size(); ++digits_) {
    const char c = input[digits_];
    if (digits_ < OctetCountedFramer::kMaxDigits && c >= (digits_ == 0 ? '1' : '0') && c <= '9')
      continue;
    const Kind kind = c == ' ' && digits_ != 0 ? Kind::kCount : Kind::kLine;
    if (kind == Kind::kLine) count_.forget_lf();
    digits_ = 0;
    return kind;
  }
  return Kind::kUnknown;
}

SyslogAutoFramer::Start SyslogAutoFramer::start_of(std::string_view input) noexcept {
  if (input.front() == '\0') return Start::kNul;
  if (Scanner::is_digit(input.front())) return Start::kDigit;
  if (input.front() != '<') return Start::kOther;
  if (input.size() == 1) return Start::kUnknown;
  return Scanner::is_digit(input[1]) ? Start::kPriority : Start::kOther;
}

/// What it is to begin a message with `start` behind the end of the last one.
SyslogAutoFramer::Sender SyslogAutoFramer::sender_by(Start start) const noexcept {
  switch (nul_.last_end()) {
    case SyslogNulFramer::End::kLf:
      if (start == Start::kNul) return Sender::kNul;
      if (start == Start::kPriority || start == Start::kDigit) return Sender::kLinesAndCounts;
      break;
    case SyslogNulFramer::End::kNul:
      if (start == Start::kPriority) return Sender::kNul;
      [[fallthrough]];
    case SyslogNulFramer::End::kNone:
      if (start == Start::kDigit || start == Start::kOther) return Sender::kLinesAndCounts;
  }
  return Sender::kUnknown;
}

/// Of a connection that sends NUL, or of which that is not known.
FrameResult SyslogAutoFramer::next_of_others(std::string_view input) noexcept {
  if (input.empty()) return {};
  if (sender_ == Sender::kUnknown && nul_.scanned() == 0 && !nul_.skipping()) {
    const Start start = start_of(input);
    if (start == Start::kUnknown) return {};
    sender_ = sender_by(start);
    if (start == Start::kNul)
      return {.status = FrameStatus::kSkipping, .consumed = 1, .framing = 1};
    if (sender_ == Sender::kLinesAndCounts) return next(input);
  }
  return nul_.next(input, ends());
}

std::size_t SyslogAutoFramer::scanned() const noexcept {
  if (sender_ != Sender::kLinesAndCounts) return nul_.scanned();
  if (in_count()) return count_.scanned();
  return in_line() ? line_.scanned() : digits_;
}

std::size_t SyslogAutoFramer::tail_back(std::string_view tail) const noexcept {
  if (sender_ != Sender::kLinesAndCounts) return SyslogNulFramer::tail_back(tail, ends());
  return in_count() ? 0 : line_.tail_back(tail);
}

}  // namespace penstock
