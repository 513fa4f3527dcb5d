#pragma once

#include <cstddef>
#include <string>

#include "protocols/core/result.h"

namespace penstock::config {

/// The whole content of the file at `path`; an error when it cannot be read or is longer than `max_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t max_bytes);

}  // namespace penstock::config
