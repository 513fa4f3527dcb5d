#pragma once

#include <string>
#include <vector>

#include "server/config/config.h"

namespace penstock::config {

/// One thing wrong with a config file. `text` names the table and key, what was expected, what was found:
/// `listener "syslog": max_frame_bytes: expected 1 to 16777216 (or a size such as "64KiB"), got 0`.
struct Problem {
  Place place;
  std::string text;
  bool warning = false;  ///< told, but no reason to refuse the file
};
using Problems = std::vector<Problem>;

/// `FILE:LINE:COLUMN: text`, with `warning: ` before the text where it is one; without line and column where there are none.
std::string to_string(const std::string& file, const Problem& problem);

}  // namespace penstock::config
