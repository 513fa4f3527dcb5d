#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "protocols/core/result.h"

namespace penstock {

/// Length of `bytes` bytes in base64, padding included.
constexpr std::size_t base64_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }

/// RFC 4648 section 4: the standard alphabet, padded, without line breaks.
std::string base64_encode(std::string_view bytes);

/// The same into memory: base64_size(bytes.size()) at `out`. Returns the end.
char* base64_write(std::string_view bytes, char* out) noexcept;

/// The exact inverse: anything that base64_encode never gives is an error (other characters, blanks, missing or
/// misplaced padding, bits set behind the last byte). The message names the offset.
Result<std::string> base64_decode(std::string_view text);

}  // namespace penstock
