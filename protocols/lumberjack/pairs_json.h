#pragma once

#include <string>
#include <string_view>

namespace penstock::lumberjack {

/// Writes the pairs of a data frame's body as one JSON object of texts, duplicates included. What is no UTF-8 in them
/// stays as the sender wrote it, as in a record of any other protocol.
void render_pairs(std::string_view body, std::string& json);

}  // namespace penstock::lumberjack
