#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock {

/// CRC32C (Castagnoli; RFC 3720 section 12.1 and its examples in appendix B.4) of `bytes`, going on from `crc`, the value
/// of what stands before them. By the processor's instruction where it has one. Any thread.
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept;

/// The same by table: what is used where the processor has no instruction.
std::uint32_t crc32c_by_table(std::uint32_t crc, std::string_view bytes) noexcept;

}  // namespace penstock
