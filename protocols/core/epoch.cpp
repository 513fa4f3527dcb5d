#include "protocols/core/epoch.h"

#include <charconv>
#include <cmath>

#include "protocols/core/scanner.h"
#include "protocols/core/timestamp.h"

namespace penstock {
namespace {

constexpr double kMostNanos = 9.2e18;  // of an int64

bool from_double(std::string_view number, std::int64_t unit_ns, std::int64_t& ns) noexcept {
  double value = 0;
  const char* end = number.data() + number.size();
  const auto read = std::from_chars(number.data(), end, value);
  if (read.ec != std::errc{} || read.ptr != end) return false;
  value *= static_cast<double>(unit_ns);
  if (!(std::fabs(value) < kMostNanos)) return false;
  ns = std::llround(value);
  return true;
}

/// `unit_ns`: a power of ten.
bool exact(std::string_view number, std::int64_t unit_ns, std::int64_t& ns) noexcept {
  Scanner in(number);
  const bool negative = in.take('-');
  if (!Scanner::is_digit(in.peek())) return false;
  std::int64_t whole = 0, fraction = 0;
  for (; Scanner::is_digit(in.peek()); in.skip(1)) {
    if (__builtin_mul_overflow(whole, std::int64_t{10}, &whole) ||
        __builtin_add_overflow(whole, in.peek() - '0', &whole))
      return false;
  }
  if (in.take('.')) {
    std::int64_t place = unit_ns / 10;
    for (; Scanner::is_digit(in.peek()); in.skip(1), place /= 10)
      fraction += (in.peek() - '0') * place;
  }
  std::int64_t sum = 0;
  if (!in.done() || __builtin_mul_overflow(whole, unit_ns, &sum) ||
      __builtin_add_overflow(sum, fraction, &sum))
    return false;
  ns = negative ? -sum : sum;
  return true;
}

bool read(std::string_view number, std::int64_t unit_ns, std::int64_t& ns) noexcept {
  return exact(number, unit_ns, ns) || from_double(number, unit_ns, ns);
}

}  // namespace

bool epoch_seconds(std::string_view number, std::int64_t& ns) noexcept {
  return read(number, kNanosPerSecond, ns);
}

bool epoch_of_any_unit(std::string_view number, std::int64_t& ns) noexcept {
  double value = 0;
  if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{})
    return false;
  const double size = std::fabs(value);
  if (size < 1e11) return read(number, kNanosPerSecond, ns);
  if (size < 1e14) return read(number, 1'000'000, ns);
  if (size < 1e17) return read(number, 1'000, ns);
  return read(number, 1, ns);
}

}  // namespace penstock
