#pragma once

#include <string>
#include <string_view>

#include "server/config/toml_reader.h"

namespace penstock::config {

/// The file `text` as it may be shown: values of keys that are named like secrets (password, secret, token, ...; not
/// those that name a file), and those of a table http.headers, are `"(hidden)"`. `${NAME}` and `${file:PATH}` stand as they are written. `root` is its
/// parse_toml().
std::string shown_text(std::string_view text, const Node& root);

}  // namespace penstock::config
