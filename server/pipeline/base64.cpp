#include "server/pipeline/base64.h"

#include <array>
#include <cstdint>

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

constexpr std::uint32_t byte_at(std::string_view bytes, std::size_t i) noexcept {
  return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
}

tl::unexpected<Error> fail_at(std::size_t offset, std::string_view what) {
  return fail(0, "base64: " + std::string(what) + " at offset " + std::to_string(offset));
}

// How many '=' the last group ends with: 0, 1 or 2. More are left in place and found as invalid characters.
std::size_t padding(std::string_view text) noexcept {
  if (text.empty() || text.back() != '=') return 0;
  return text[text.size() - 2] == '=' ? 2 : 1;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out(base64_size(bytes.size()), '=');
  char* to = out.data();
  for (std::size_t i = 0; i < bytes.size(); i += 3, to += 4) {
    const std::uint32_t group =
        byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);
    const std::size_t left = bytes.size() - i;
    to[0] = kAlphabet[group >> 18];
    to[1] = kAlphabet[group >> 12 & 63];
    if (left > 1) to[2] = kAlphabet[group >> 6 & 63];
    if (left > 2) to[3] = kAlphabet[group & 63];
  }
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
