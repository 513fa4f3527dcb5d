#pragma once

#include <string>

#include "server/config/problem.h"

namespace penstock::config {

/// A file read: the config is usable when `problems` holds nothing but warnings.
struct Loaded {
  Config config;
  Problems problems;
};

/// Reads and checks `path`: TOML to structs, then what must hold across tables (names unique, sinks known, queues
/// within 70 % of the memory, ...). All problems at once, in file order. What only the socket side knows (URLs) is
/// checked by net. Never throws.
Loaded load_file(const std::string& path);

/// The same for a text; `file` names it in Config::file.
Loaded load_text(std::string_view text, std::string file);

}  // namespace penstock::config
