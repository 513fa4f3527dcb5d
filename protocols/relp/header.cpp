#include "protocols/relp/header.h"

namespace penstock::relp {
namespace {

constexpr std::size_t kMaxDigits = 9;

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// Looks at one part after the other. Where the input ends, more is needed; where it is not as it should be, why.
class HeaderScan {
 public:
  explicit HeaderScan(std::string_view input) noexcept : input_(input) {}

  Header run() noexcept {
    if (txnr() && blank("no blank behind the transaction number") && command() &&
        blank("no blank behind the command") && length() && behind_length()) {
      header_.status = Header::Status::kWhole;
      header_.header_bytes = at_;
    }
    return header_;
  }

 private:
  bool malformed(const char* why) noexcept {
    header_.status = Header::Status::kMalformed;
    header_.why = why;
    header_.at = at_;
    return false;
  }
  bool at_end() const noexcept { return at_ == input_.size(); }

  bool number(std::uint32_t& value, const char* none, const char* too_long) noexcept {
    const std::size_t begin = at_;
    for (; !at_end() && is_digit(input_[at_]); ++at_) {
      if (at_ - begin == kMaxDigits) return malformed(too_long);
      value = value * 10 + static_cast<std::uint32_t>(input_[at_] - '0');
    }
    if (at_end()) return false;
    return at_ != begin || malformed(none);
  }

  bool txnr() noexcept {
    if (!number(header_.txnr, "no transaction number", "the transaction number has over 9 digits"))
      return false;
    return header_.txnr != 0 || malformed("the transaction number is 0, which is the server's");
  }

  bool command() noexcept {
    const std::size_t begin = at_;
    while (!at_end() && is_letter(input_[at_]) && at_ - begin < kMaxCommandBytes) ++at_;
    if (at_end()) return false;
    header_.command = input_.substr(begin, at_ - begin);
    return at_ != begin || malformed("no command");
  }

  bool length() noexcept {
    std::uint32_t value = 0;
    if (!number(value, "no length", "the length has over 9 digits")) return false;
    header_.data_bytes = value;
    return true;
  }

  bool behind_length() noexcept {
    if (header_.data_bytes == 0 && input_[at_] == '\n') return true;
    return blank("no blank behind the length");
  }

  bool blank(const char* none) noexcept {
    if (at_end()) return false;
    if (input_[at_] != ' ') return malformed(none);
    ++at_;
    return true;
  }

  std::string_view input_;
  std::size_t at_ = 0;
  Header header_;
};

}  // namespace

Header parse_header(std::string_view input) noexcept { return HeaderScan(input).run(); }

}  // namespace penstock::relp
