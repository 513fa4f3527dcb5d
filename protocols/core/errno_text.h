#pragma once

#include <string>

namespace penstock {

/// The system's words for an errno value (or a negated one), first letter small as they stand inside our messages:
/// `permission denied`. Any thread.
std::string errno_text(int code);

}  // namespace penstock
