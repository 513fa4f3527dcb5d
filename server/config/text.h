#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Words of messages: how values are shown to the operator.
namespace penstock::config {

/// Control bytes as `\n` or `\u0007`, backslashes and (with `quotes`) double quotes behind a backslash; cut to
/// `max_bytes` at a character's edge with `...`.
std::string printable(std::string_view text, bool quotes, std::size_t max_bytes);

/// printable() in double quotes, at most 80 bytes of it.
std::string in_quotes(std::string_view text);

/// Control bytes as in printable(), all else as it is: for a line whose parts are quoted already.
std::string without_controls(std::string_view text);

/// Bytes as parse_delimiter reads them: printable ASCII as it is, all else, and the backslash, behind a backslash.
std::string delimiter_text(std::string_view bytes);

/// `"a"`, `"a" or "b"`, `"a", "b" or "c"`: each word quoted; `last` stands before the last one.
std::string quoted_list(const std::vector<std::string>& words, std::string_view last);

/// In the largest unit that divides it: `64KiB`, `1500B`, `0`.
std::string size_text(std::uint64_t bytes);

/// In the largest unit that divides it: `90s`, `1500ms`, `2m`, `0s`.
std::string duration_text(std::chrono::milliseconds value);

}  // namespace penstock::config
