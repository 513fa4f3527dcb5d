#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace penstock {

/// memchr with the first eight bytes looked at inline: the call costs more than a line of a few bytes is worth.
/// nullptr when `byte` is not among the `size` bytes at `at`.
inline const char* find_byte(const char* at, std::size_t size, char byte) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    if (size >= sizeof(std::uint64_t)) {
      constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
      std::uint64_t word;
      std::memcpy(&word, at, sizeof word);
      word ^= kOnes * static_cast<unsigned char>(byte);  // the byte sought becomes zero
      // The lowest set bit stands in the first zero byte; higher ones may be false (carries), so only it is used.
      if (const std::uint64_t zero = (word - kOnes) & ~word & kHighs)
        return at + std::countr_zero(zero) / 8;
      at += sizeof word;
      size -= sizeof word;
    }
  }
  if (size == 0) return nullptr;
  return static_cast<const char*>(std::memchr(at, byte, size));
}

}  // namespace penstock
