#include "server/queue/origin_table.h"

#include <algorithm>
#include <string>

namespace penstock {

const Origin* OriginTable::find_or_add(std::string_view listener, std::string_view url) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(origins_.begin(), origins_.end(), [&](const Origin& origin) {
    return origin.listener == listener && origin.url == url;
  });
  if (found != origins_.end()) return &*found;
  return &origins_.emplace_back(Origin{std::string(listener), std::string(url)});
}

}  // namespace penstock
