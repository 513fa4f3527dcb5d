#pragma once

#include <algorithm>
#include <string_view>

namespace penstock::statsd {

/// The front of `list` up to `separator`, both taken off it.
inline std::string_view take_item(std::string_view& list, char separator) noexcept {
  const std::size_t end = std::min(list.find(separator), list.size());
  const std::string_view item = list.substr(0, end);
  list.remove_prefix(std::min(end + 1, list.size()));
  return item;
}

}  // namespace penstock::statsd
