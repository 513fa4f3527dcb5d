#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/config/path_pattern.h"
#include "server/config/pattern.h"

namespace penstock::config {

/// All paths that a template can give, where its records come from `listeners`, or from any listener.
Pattern path_set(const std::vector<PathPart>& parts,
                 const std::optional<std::vector<std::string>>& listeners = {});

/// What rotation makes of such paths: `PATH.20261125T022800.123456Z`, also `.zst` and `.zst.tmp` (sinks/archive_name.h).
Pattern archive_set(Pattern paths);

}  // namespace penstock::config
