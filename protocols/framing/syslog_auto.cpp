#include "protocols/framing/syslog_auto.h"

namespace penstock {

// True once `mode_` is set. Digits seen in an earlier read are not looked at again.
bool SyslogAutoFramer::decide(std::string_view input) noexcept {
  if (input.empty()) return false;
  const bool swallow_lf = digits_ == 0 && count_.may_swallow_lf() && input.front() == '\n';
  for (; !swallow_lf && digits_ < input.size(); ++digits_) {
    const char c = input[digits_];
    const bool counts = digits_ < OctetCountedFramer::kMaxDigits && c >= (digits_ == 0 ? '1' : '0') && c <= '9';
    if (counts) continue;
    mode_ = c == ' ' && digits_ != 0 ? Mode::kCount : Mode::kLine;
    break;
  }
  if (swallow_lf) mode_ = Mode::kCount;
  if (mode_ == Mode::kUndecided) return false;
  digits_ = 0;
  if (mode_ == Mode::kLine) count_.forget_lf();
  return true;
}

std::size_t SyslogAutoFramer::scanned() const noexcept {
  switch (mode_) {
    case Mode::kLine: return line_.scanned();
    case Mode::kCount: return count_.scanned();
    case Mode::kUndecided: break;
  }
  return digits_;
}

}  // namespace penstock
