#pragma once

#include <optional>
#include <string>

#include "server/config/config.h"

namespace penstock {

/// Loads and checks a config file, URLs included; prints every problem to stderr as FILE:LINE:COLUMN: TEXT. Nothing when
/// one of them is an error.
std::optional<config::Config> load_and_report(const std::string& config_file);

/// `penstock check`: 0 or 2. With `bind` each URL is resolved and test-bound as well (unix paths are only examined), and
/// buffer sizes are reported.
int check_command(const std::string& config_file, bool bind);

}  // namespace penstock
