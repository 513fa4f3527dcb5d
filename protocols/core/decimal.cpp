#include "protocols/core/decimal.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "protocols/core/scanner.h"
#include "protocols/core/timestamp.h"

namespace penstock {
namespace {

constexpr std::size_t kSafeDigits = 18;  // of so many no sum overflows 64 bits

/// Digits from `at` on; `at` moves behind them.
std::size_t count_digits(std::string_view text, std::size_t& at) noexcept {
  const std::size_t begin = at;
  while (at < text.size() && Scanner::is_digit(text[at])) ++at;
  return at - begin;
}

std::int64_t sum_of_digits(std::string_view digits) noexcept {
  std::int64_t sum = 0;
  for (const char digit : digits) sum = sum * 10 + (digit - '0');
  return sum;
}

bool is_exponent(std::string_view text) noexcept {
  std::size_t at = 1;
  if (text.size() > 1 && (text[1] == '+' || text[1] == '-')) ++at;
  return (text[0] | 0x20) == 'e' && count_digits(text, at) != 0 && at == text.size();
}

/// Whether a number that a double does not hold is too small for it, and not too large: by the place of its first digit
/// that is not 0.
bool is_too_small(std::string_view number) noexcept {
  constexpr std::int64_t kFar = 100'000'000;  // beyond the length of any frame
  std::int64_t exponent = 0;
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  if (e != number.size()) {
    std::string_view digits = number.substr(e + 1);
    if (digits[0] == '+') digits.remove_prefix(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), exponent).ec != std::errc())
      exponent = digits[0] == '-' ? -kFar : kFar;
  }
  const std::string_view digits = number.substr(0, e);
  const auto point = static_cast<std::int64_t>(std::min(digits.find('.'), e));
  const auto first = static_cast<std::int64_t>(digits.find_first_of("123456789"));
  return point - first + std::clamp(exponent, -kFar, kFar) < 0;
}

/// `text` is known to be of the right form; from_chars only takes no plus.
bool to_real(std::string_view text, double& real) noexcept {
  if (text.front() == '+') text.remove_prefix(1);
  const std::errc error = std::from_chars(text.data(), text.data() + text.size(), real).ec;
  if (error == std::errc()) return true;
  real = 0;
  return error == std::errc::result_out_of_range && is_too_small(text);
}

/// `text` is a sign or none, and digits; from_chars takes no plus.
bool to_integer(std::string_view text, Decimal& value) noexcept {
  if (text.front() == '+') text.remove_prefix(1);
  const char* const end = text.data() + text.size();
  value.kind = Decimal::Kind::kInteger;
  if (std::from_chars(text.data(), end, value.integer).ec == std::errc()) return true;
  value.kind = Decimal::Kind::kUnsigned;
  return std::from_chars(text.data(), end, value.unsigned_integer).ec == std::errc();
}

}  // namespace

bool parse_decimal(std::string_view text, Decimal& value) noexcept {
  const bool sign = !text.empty() && (text[0] == '-' || text[0] == '+');
  std::size_t at = sign ? 1 : 0;
  const std::size_t begin = at;
  std::size_t digits = count_digits(text, at);
  if (at == text.size() && digits != 0) {
    if (digits <= kSafeDigits) {
      const std::int64_t sum = sum_of_digits(text.substr(begin));
      value.kind = Decimal::Kind::kInteger;
      value.integer = text[0] == '-' ? -sum : sum;
      return true;
    }
    if (to_integer(text, value)) return true;
  }
  value.kind = Decimal::Kind::kReal;
  if (at < text.size() && text[at] == '.') digits += count_digits(text, ++at);
  if (digits == 0 || (at != text.size() && !is_exponent(text.substr(at)))) return false;
  return to_real(text, value.real);
}

bool parse_epoch_seconds(std::string_view text, std::int64_t& ns) noexcept {
  Scanner in(text);
  std::size_t at = 0;
  const std::size_t digits = count_digits(text, at);
  if (digits == 0 || digits > kSafeDigits) return false;
  const std::int64_t seconds = sum_of_digits(text.substr(0, digits));
  if (seconds >= std::numeric_limits<std::int64_t>::max() / kNanosPerSecond) return false;
  in.skip(digits);
  unsigned nanos = 0;
  if (!scan_fraction(in, nanos) || !in.done()) return false;
  ns = seconds * kNanosPerSecond + nanos;
  return true;
}

}  // namespace penstock
