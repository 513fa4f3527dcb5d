#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/core/problem.h"

namespace penstock {

/// What keeps `value` from being one JSON value (RFC 8259) in valid UTF-8, and nothing else, and at which byte. A number
/// may have more digits than 64 bits hold, but must be within the range of a double; an escaped half of a surrogate pair is
/// taken for U+FFFD.
///
/// `readable` are the bytes behind `value` that may be read, whatever they are: with kJsonPadding of them nothing is
/// copied. simdjson's parser is kept between calls, one a thread; it holds 14 bytes for each byte of the longest value,
/// and gives them back behind a value of more than 1 MiB. Any thread.
Problem json_problem(std::string_view value, std::size_t readable = 0);

inline constexpr std::size_t kJsonPadding = 64;  ///< SIMDJSON_PADDING

}  // namespace penstock
