#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/result.h"

namespace penstock {

/// The document of /api/sockets as a table like that of ss(8), a line a socket: RECV-Q and SEND-Q of listening sockets are
/// the accept queue and its backlog. No line is longer than `columns` (at least 80): URLs lose their beginning, peers
/// their end. The last line says how many there are. Bytes that a terminal might obey are escaped.
Result<std::vector<std::string>> sockets_table(std::string_view json, std::size_t columns);

/// The field that rows are sorted by for what the user calls it: a column's name in any case, or the field itself.
std::string sort_field(std::string_view name);

/// True where the largest first is what one wants to see: numbers, but not texts.
bool is_largest_first(std::string_view field);

}  // namespace penstock
