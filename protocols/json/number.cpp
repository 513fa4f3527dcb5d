#include "protocols/json/number.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "protocols/core/scanner.h"

namespace penstock {
namespace {

// Every decimal of 15 digits survives being a double, none of 18 does.
constexpr unsigned kSafeDigits = 15, kMostDigits = 17;
constexpr int kMostExponent = 100'000;  // far out of a double's range; more is not counted
constexpr std::uint64_t kExactMantissa = std::uint64_t{1} << 53;
constexpr std::array kPowersOfTen = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                     1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                     1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/// A number as mantissa * 10^exponent, the mantissa without zeros at its end, so that equal numbers are equal.
struct Decimal {
  bool negative = false;
  bool integer = true;    // neither fraction nor exponent
  bool too_long = false;  // more than kMostDigits: then the mantissa says nothing
  unsigned digits = 0;
  std::uint64_t mantissa = 0;
  int exponent = 0;
};

class Reader {
 public:
  explicit Reader(std::string_view text) noexcept : in_(text) {}

  bool read(Decimal& number) noexcept {
    number.negative = in_.take('-');
    if (!read_whole(number) || !read_fraction(number) || !read_exponent(number)) return false;
    // Zeros that nothing followed are the exponent's.
    number.exponent = number.mantissa == 0 ? 0 : number.exponent + zeros_;
    return in_.done();
  }
  std::size_t at() const noexcept { return in_.at(); }

 private:
  bool read_whole(Decimal& number) noexcept {
    if (in_.take('0')) return true;
    return read_digits(number, 0);
  }

  bool read_fraction(Decimal& number) noexcept {
    if (!in_.take('.')) return true;
    number.integer = false;
    return read_digits(number, -1);
  }

  bool read_exponent(Decimal& number) noexcept {
    if (!in_.is('e') && !in_.is('E')) return true;
    in_.skip(1);
    number.integer = false;
    const bool negative = in_.take('-');
    if (!negative) in_.take('+');
    if (!Scanner::is_digit(in_.peek())) return false;
    int exponent = 0;
    for (; Scanner::is_digit(in_.peek()); in_.skip(1)) {
      if (exponent < kMostExponent) exponent = exponent * 10 + (in_.peek() - '0');
    }
    number.exponent += negative ? -exponent : exponent;
    return true;
  }

  // `step`: what a digit adds to the exponent, since it stands behind the point.
  bool read_digits(Decimal& number, int step) noexcept {
    if (!Scanner::is_digit(in_.peek())) return false;
    for (; Scanner::is_digit(in_.peek()); in_.skip(1)) {
      number.exponent += step;
      if (in_.peek() == '0')
        zeros_ += number.mantissa != 0;
      else
        append(number, static_cast<unsigned>(in_.peek() - '0'));
    }
    return true;
  }

  void append(Decimal& number, unsigned digit) noexcept {
    number.digits += static_cast<unsigned>(zeros_) + 1;
    number.too_long = number.digits > kMostDigits;
    if (!number.too_long) {
      for (; zeros_ != 0; --zeros_) number.mantissa *= 10;
      number.mantissa = number.mantissa * 10 + digit;
    }
    zeros_ = 0;
  }

  Scanner in_;
  int zeros_ = 0;  // behind the mantissa, not in it yet
};

bool read_integer(std::string_view text, FieldValue& value) noexcept {
  const char* end = text.data() + text.size();
  if (text == "-0") return false;  // the sign would be lost
  if (std::from_chars(text.data(), end, value.integer).ec == std::errc{}) {
    value.type = FieldType::kInt64;
    return true;
  }
  if (text.front() == '-' ||
      std::from_chars(text.data(), end, value.unsigned_integer).ec != std::errc{})
    return false;
  value.type = FieldType::kUint64;
  return true;
}

double to_double(const Decimal& number, std::string_view text) noexcept {
  const auto power = static_cast<std::size_t>(std::abs(number.exponent));
  if (number.mantissa < kExactMantissa && power < kPowersOfTen.size()) {  // one rounding only
    const auto mantissa = static_cast<double>(number.mantissa);
    const double value =
        number.exponent < 0 ? mantissa / kPowersOfTen[power] : mantissa * kPowersOfTen[power];
    return number.negative ? -value : value;
  }
  double value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
    return std::nan("");
  return value;
}

bool reads_back(double value, const Decimal& number) noexcept {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  Decimal again;
  Reader({text.data(), static_cast<std::size_t>(end - text.data())}).read(again);
  return again.mantissa == number.mantissa && again.exponent == number.exponent;
}

bool read_real(const Decimal& number, std::string_view text, FieldValue& value) noexcept {
  if (number.too_long) return false;
  const double real = to_double(number, text);
  if (!std::isfinite(real)) return false;
  if (number.mantissa != 0) {
    const bool safe = number.digits <= kSafeDigits && std::isnormal(real);
    if (!safe && !reads_back(real, number)) return false;
  }
  value.type = FieldType::kDouble;
  value.real = real;
  return true;
}

}  // namespace

bool read_json_number(std::string_view text, FieldValue& value, std::size_t& at) noexcept {
  Decimal number;
  Reader reader(text);
  if (!reader.read(number)) {
    at = reader.at();
    return false;
  }
  value.text = text;
  if (number.integer && read_integer(text, value)) return true;
  const bool zero = number.mantissa == 0 && !number.too_long;
  if ((!number.integer || zero) && read_real(number, text, value)) return true;
  value.type = FieldType::kNumber;
  return true;
}

}  // namespace penstock
