#include "protocols/core/epoch.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "protocols/core/scanner.h"

namespace penstock {
namespace {

/// A decimal number: its value is digits * 10^scale.
struct Scaled {
  std::uint64_t digits = 0;
  int scale = 0;

  /// False, and nothing has changed: 64 bits do not hold it.
  bool append(unsigned digit) noexcept {
    std::uint64_t longer = 0;
    if (__builtin_mul_overflow(digits, std::uint64_t{10}, &longer) ||
        __builtin_add_overflow(longer, std::uint64_t{digit}, &longer))
      return false;
    digits = longer;
    return true;
  }
};

bool take_digit(Scanner& in, unsigned& digit) noexcept {
  if (!Scanner::is_digit(in.peek())) return false;
  digit = static_cast<unsigned>(in.peek() - '0');
  in.skip(1);
  return true;
}

/// Digits of the fraction that 64 bits do not hold are passed over: they are far behind the nanosecond.
bool take_digits(Scanner& in, Scaled& number) noexcept {
  unsigned digit = 0;
  if (!take_digit(in, digit)) return false;
  do {
    if (!number.append(digit)) return false;
  } while (take_digit(in, digit));
  if (!in.take('.')) return true;
  for (bool fits = true; take_digit(in, digit);) {
    fits = fits && number.append(digit);
    if (fits) --number.scale;
  }
  return true;
}

/// Behind the `e`.
bool take_exponent(Scanner& in, Scaled& number) noexcept {
  constexpr int kMost = 10'000;  // beyond it nothing is told apart
  const bool negative = in.take('-');
  if (!negative) in.take('+');
  unsigned digit = 0;
  if (!take_digit(in, digit)) return false;
  int exponent = 0;
  do {
    exponent = std::min(exponent * 10 + static_cast<int>(digit), kMost);
  } while (take_digit(in, digit));
  number.scale += negative ? -exponent : exponent;
  return true;
}

/// Without a fraction; false where 64 bits do not hold it.
bool to_integer(Scaled number, std::int64_t& value) noexcept {
  if (number.digits == 0) number.scale = 0;
  for (; number.scale > 0; --number.scale) {
    if (!number.append(0)) return false;
  }
  for (; number.scale < 0 && number.digits != 0; ++number.scale) number.digits /= 10;
  if (number.digits > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) return false;
  value = static_cast<std::int64_t>(number.digits);
  return true;
}

/// Of a time: its nanoseconds, and how many decimal digits of it they are.
struct Unit {
  std::int64_t ns;
  int decimals;
};

Unit unit_of(double size) noexcept {
  if (size < 1e11) return {1'000'000'000, 9};
  if (size < 1e14) return {1'000'000, 6};
  if (size < 1e17) return {1'000, 3};
  return {1, 0};
}

/// `decimals`: of the unit, that make a nanosecond.
bool read(std::string_view text, int decimals, std::int64_t& ns) noexcept {
  Scanner in(text);
  const bool negative = in.take('-');
  Scaled number;
  if (!take_digits(in, number)) return false;
  if ((in.take('e') || in.take('E')) && !take_exponent(in, number)) return false;
  number.scale += decimals;
  std::int64_t value = 0;
  if (!in.done() || !to_integer(number, value)) return false;
  ns = negative ? -value : value;
  return true;
}

}  // namespace

bool epoch_seconds(std::string_view number, std::int64_t& ns) noexcept {
  return read(number, 9, ns);
}

bool epoch_of_any_unit(std::string_view number, std::int64_t& ns) noexcept {
  double value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{})
    return false;
  return read(number, unit_of(std::fabs(value)).decimals, ns);
}

bool epoch_of_any_unit(std::int64_t count, std::int64_t& ns) noexcept {
  return !__builtin_mul_overflow(count, unit_of(std::fabs(static_cast<double>(count))).ns, &ns);
}

bool epoch_of_any_unit(double count, std::int64_t& ns) noexcept {
  if (!(std::fabs(count) < 9.2e18)) return false;  // an int64, and a number
  const std::int64_t unit_ns = unit_of(std::fabs(count)).ns;
  const double whole = std::trunc(count);
  return !__builtin_mul_overflow(static_cast<std::int64_t>(whole), unit_ns, &ns) &&
         !__builtin_add_overflow(ns, std::llround((count - whole) * static_cast<double>(unit_ns)),
                                 &ns);
}

}  // namespace penstock
