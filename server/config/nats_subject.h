#pragma once

#include <string>
#include <vector>

#include "server/config/path_pattern.h"

namespace penstock::config {

/// The subject with wildcards that all subjects of a template match, whose values hold no dots: `logs.*` of
/// `logs.{listener}`.
std::string nats_wildcard(const std::vector<PathPart>& parts);

}  // namespace penstock::config
