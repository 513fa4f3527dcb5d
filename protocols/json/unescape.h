#pragma once

#include <cstddef>
#include <string_view>

namespace penstock {

/// Writes what stands between the quotes of a JSON string (RFC 8259 section 7), escapes resolved, to `to`, which has room
/// for as many bytes. Pairs of surrogates become one character; half a pair is an error, since it is no text. Other bytes
/// go through as they are.
///
/// False where an escape is malformed: `at` is where it begins.
bool unescape_json(std::string_view escaped, char* to, std::size_t& written,
                   std::size_t& at) noexcept;

}  // namespace penstock
