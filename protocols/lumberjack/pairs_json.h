#pragma once

#include <string>
#include <string_view>

namespace penstock::lumberjack {

/// Writes the pairs of a data frame's body as one JSON object of texts, duplicates included; what is no UTF-8 in them
/// becomes U+FFFD.
void render_pairs(std::string_view body, std::string& json);

}  // namespace penstock::lumberjack
