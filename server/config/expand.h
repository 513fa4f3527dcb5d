#pragma once

#include <string>
#include <string_view>

#include "protocols/core/result.h"

namespace penstock::config {

/// Expands `${NAME}` from the environment and `${file:PATH}` from a file (one trailing newline removed, at most 64 KiB,
/// no NUL byte); `$$` is a dollar. What was put in is not expanded again. Errors name the variable or the path, never a
/// value: what is expanded may be a secret.
Result<std::string> expand(std::string_view text);

/// The content of a file that holds nothing but a secret, without one newline at its end; not empty. Errors as above.
Result<std::string> read_secret(const std::string& path);

/// True when `text` holds a `${`: its value must not be shown.
bool has_expansion(std::string_view text);

}  // namespace penstock::config
