#include "server/pipeline/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace penstock {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> make_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kInvalid);
  for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
    values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kValues = make_values();

/// Twelve bits as their two digits: half the look-ups, half the stores.
constexpr std::array<std::array<char, 2>, 4096> make_pairs() {
  std::array<std::array<char, 2>, 4096> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kAlphabet[i >> 6], kAlphabet[i & 63]};
  return pairs;
}
constexpr std::array<std::array<char, 2>, 4096> kPairs = make_pairs();

tl::unexpected<Error> fail_at(std::size_t offset, std::string_view what) {
  return fail(0, "base64: " + std::string(what) + " at offset " + std::to_string(offset));
}

/// Three bytes as four digits.
inline void write_group(const char* bytes, char* out) noexcept {
  const auto byte = [bytes](int i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  const std::uint32_t group = byte(0) << 16 | byte(1) << 8 | byte(2);
  std::memcpy(out, kPairs[group >> 12].data(), 2);
  std::memcpy(out + 2, kPairs[group & 4095].data(), 2);
}

// How many '=' the last group ends with: 0, 1 or 2. More are left in place and found as invalid characters.
std::size_t padding(std::string_view text) noexcept {
  if (text.empty() || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

}  // namespace

char* base64_write(std::string_view bytes, char* out) noexcept {
  for (; bytes.size() >= 3; bytes.remove_prefix(3), out += 4) write_group(bytes.data(), out);
  if (bytes.empty()) return out;
  std::array<char, 3> last{};
  std::copy(bytes.begin(), bytes.end(), last.begin());
  write_group(last.data(), out);
  std::fill(out + bytes.size() + 1, out + 4, '=');
  return out + 4;
}

std::string base64_encode(std::string_view bytes) {
  std::string out(base64_size(bytes.size()), '=');
  base64_write(bytes, out.data());
  return out;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0)
    return fail(0, "base64: length " + std::to_string(text.size()) + " is no multiple of 4");
  const std::size_t digits = text.size() - padding(text);
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t held = 0;  // bits not yet given out, right-aligned
  unsigned held_bits = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const std::uint8_t value = kValues[static_cast<unsigned char>(text[i])];
    if (value == kInvalid)
      return fail_at(i, text[i] == '=' ? "misplaced padding" : "invalid character");
    held = held << 6 | value;
    held_bits += 6;
    if (held_bits < 8) continue;
    held_bits -= 8;
    out.push_back(static_cast<char>(held >> held_bits & 0xff));
    held &= (1u << held_bits) - 1;
  }
  if (held != 0) return fail_at(digits - 1, "bits set behind the last byte");
  return out;
}

}  // namespace penstock
