#include "protocols/framing/syslog_auto.h"

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

std::size_t SyslogAutoFramer::scanned() const noexcept {
  if (in_count()) return count_.scanned();
  return in_line() ? line_.scanned() : digits_;
}

}  // namespace penstock
