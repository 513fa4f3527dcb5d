#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock {

/// Writes what stands between the quotes of a JSON string (RFC 8259 section 7), escapes resolved, to `to`, which has room
/// for as many bytes. Pairs of surrogates become one character, and half a pair, which is no text, becomes U+FFFD: texts
/// that a sender cut in the middle of an emoji, and names of files that Python found to be no UTF-8. Other bytes go through
/// as they are.
///
/// False where an escape is malformed: `at` is where it begins.
bool unescape_json(std::string_view escaped, char* to, std::size_t& written,
                   std::size_t& at) noexcept;

/// `json` with the escape of U+FFFD, which is as long, for each escaped half of a surrogate pair.
std::string mend_surrogates(std::string_view json);

}  // namespace penstock
