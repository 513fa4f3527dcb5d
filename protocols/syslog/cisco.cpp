#include "protocols/syslog/cisco.h"

#include <cstddef>

#include "protocols/core/epoch.h"
#include "protocols/syslog/tag.h"

namespace penstock::syslog {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kMostOriginBytes = 255;
constexpr unsigned kMostNumbers = 2;
constexpr std::size_t kEpochDigits = 10;  // of seconds since 1970

bool is_number(std::string_view word) noexcept {
  return word.find_first_not_of(kDigits) == std::string_view::npos;
}

/// `00:01:23`, `1d02h`, `1w2d`, `1y10w`
bool is_uptime(std::string_view word) noexcept {
  Scanner in(word);
  unsigned number = 0;
  if (!in.number(9, number)) return false;
  if (in.take(':'))
    return in.digits(2, number) && in.take(':') && in.digits(2, number) && in.done();
  const auto unit = [&] { return in.take('y') || in.take('w') || in.take('d') || in.take('h'); };
  return unit() && in.number(2, number) && unit() && in.done();
}

}  // namespace

bool at_mnemonic(const Scanner& in) noexcept {
  if (!in.is('%')) return false;
  const std::string_view rest = in.rest();
  const std::string_view word = rest.substr(0, rest.find_first_of(" :"));
  for (std::size_t at = 2; at + 2 < word.size(); ++at) {
    if (word[at] >= '0' && word[at] <= '7' && word[at - 1] == '-' && word[at + 1] == '-')
      return true;
  }
  return false;
}

namespace {

/// One word of a front and the colon and blanks behind it.
bool scan_word(Scanner& in, std::string_view& word) noexcept {
  if (in.is('%')) return false;
  const std::size_t begin = in.at();
  const auto length = [&] { return in.at() - begin; };
  while ((is_tag_byte(in.peek()) || in.is(':')) && length() <= kMostOriginBytes) in.skip(1);
  word = in.since(begin);
  const std::size_t slash = word.find('/');
  if (slash != std::string_view::npos) {  // a node of IOS XR
    word = word.substr(0, word.find(':'));
    in.back_to(begin + word.size());
    if (in.take(':')) return in.skip_all(' '), true;
  } else if (word.size() > 1 && word.ends_with(':') && in.take(' ')) {
    word.remove_suffix(1);
    return in.skip_all(' '), true;
  }
  in.back_to(begin);
  return false;
}

class FrontScanner {
 public:
  FrontScanner(Scanner& in, const TimeScanner& times, CiscoFront& front) noexcept
      : in_(in), times_(times), front_(front) {}

  bool scan() noexcept {
    const std::size_t begin = in_.at();
    front_ = {};
    marked_ = in_.take(':');
    if (marked_) in_.skip_all(' ');
    do {
      front_.timed = times_.scan_cisco(in_, front_.ns, front_.clock_is_right);
    } while (!front_.timed && take_word());
    if (front_.timed || (marked_ && at_mnemonic(in_))) return true;
    in_.back_to(begin);
    return false;
  }

 private:
  bool take_word() noexcept {
    const std::size_t begin = in_.at();
    std::string_view word;
    if (up_ || !scan_word(in_, word)) return false;
    if (is_number(word) && numbers_ < kMostNumbers) {
      ++numbers_;
      return marked_ = true;
    }
    if (is_uptime(word)) return up_ = marked_ = true;
    if (front_.host.empty() && !is_number(word)) {
      front_.host = word;
      return true;
    }
    in_.back_to(begin);
    return false;
  }

  Scanner& in_;
  const TimeScanner& times_;
  CiscoFront& front_;
  unsigned numbers_ = 0;
  bool marked_ = false;  // by what no other message begins with
  bool up_ = false;      // behind how long the device is up
};

}  // namespace

bool scan_cisco_front(Scanner& in, const TimeScanner& times, CiscoFront& front) noexcept {
  return FrontScanner(in, times, front).scan();
}

bool scan_meraki_front(Scanner& in, std::int64_t& ns, std::string_view& host) noexcept {
  const std::size_t begin = in.at();
  if (in.take("1 ")) {
    const std::string_view time = in.until(' ');
    if (time.find('.') == kEpochDigits && is_number(time.substr(0, kEpochDigits)) &&
        epoch_seconds(time, ns) && in.take(' ')) {
      host = in.until(' ');
      if (!host.empty() && in.take(' ')) return true;
    }
  }
  host = {};
  in.back_to(begin);
  return false;
}

}  // namespace penstock::syslog
