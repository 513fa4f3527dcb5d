#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

/// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b` (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that `word` was probably meant to be; empty when none is near (a third of its letters, at least
/// one). Case and `-` against `_` do not count; `max_bytes` also finds `queue.max_bytes`.
std::string closest(std::string_view word, const std::vector<std::string>& candidates);

/// `, did you mean "X"?`, or nothing when no candidate is near.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace penstock::config
