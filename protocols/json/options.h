#pragma once

#include "protocols/json/object_reader.h"

namespace penstock {

/// What a listener of the `json` protocol makes of its objects.
struct JsonOptions {
  bool known_names = true;  ///< members that say what a log record has are lifted (json_log_record)
  JsonLimits limits;

  friend bool operator==(const JsonOptions&, const JsonOptions&) = default;
};

}  // namespace penstock
