#include "protocols/core/utc_text.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>

#include "protocols/core/timestamp.h"

namespace penstock {
namespace {

/// 00 to 99.
constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (std::size_t at = 0; at < pairs.size(); at += 2) {
    pairs[at] = static_cast<char>('0' + at / 20);
    pairs[at + 1] = static_cast<char>('0' + at / 2 % 10);
  }
  return pairs;
}();

char* write_pair(unsigned value, char* out) noexcept {
  std::memcpy(out, &kPairs[std::size_t{value} * 2], 2);
  return out + 2;
}

/// Two digits, and `behind`.
char* write_field(unsigned value, char behind, char* out) noexcept {
  out = write_pair(value, out);
  *out = behind;
  return out + 1;
}

}  // namespace

void write_utc(std::int64_t time_ns, char* out) noexcept {
  // Seconds first: the midnight before the earliest times has no 64-bit nanoseconds.
  const std::int64_t rest = time_ns % kNanosPerSecond;
  const std::int64_t nanos = rest < 0 ? rest + kNanosPerSecond : rest;
  const std::chrono::sys_seconds time(
      std::chrono::seconds(time_ns / kNanosPerSecond - (rest < 0 ? 1 : 0)));
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  out = write_field(year % 100, '-', write_pair(year / 100, out));
  out = write_field(static_cast<unsigned>(date.month()), '-', out);
  out = write_field(static_cast<unsigned>(date.day()), 'T', out);
  out = write_field(static_cast<unsigned>(clock.hours().count()), ':', out);
  out = write_field(static_cast<unsigned>(clock.minutes().count()), ':', out);
  out = write_field(static_cast<unsigned>(clock.seconds().count()), '.', out);
  const auto fraction = static_cast<unsigned>(nanos);
  out = write_pair(fraction / 10'000'000, out);
  out = write_pair(fraction / 100'000 % 100, out);
  out = write_pair(fraction / 1'000 % 100, out);
  out = write_pair(fraction / 10 % 100, out);
  out[0] = static_cast<char>('0' + fraction % 10);
  out[1] = 'Z';
}

std::string utc_text(std::int64_t time_ns) {
  std::string text(kUtcTextBytes, '\0');
  write_utc(time_ns, text.data());
  return text;
}

}  // namespace penstock
