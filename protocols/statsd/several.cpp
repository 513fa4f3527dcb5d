#include "protocols/statsd/several.h"

#include <algorithm>

namespace penstock::statsd {
namespace {

constexpr std::size_t kMostRatio = 16;

/// `value[:value...]|type[|@rate]` from the front of `rest`, with the colon behind it.
std::string_view take_metric(std::string_view& rest) noexcept {
  const std::size_t bar = std::min(rest.find('|'), rest.size());
  const std::size_t end = std::min(rest.find(':', bar), rest.size());
  const std::string_view metric = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return metric;
}

}  // namespace

bool split_several(std::string_view line, std::vector<std::string>& lines) {
  lines.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.find("|#") != std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon + 1);
  std::string_view rest = line.substr(colon + 1);
  for (std::size_t bytes = 0; !rest.empty();) {
    const std::string_view metric = take_metric(rest);
    bytes += name.size() + metric.size();
    if (bytes > kMostRatio * line.size()) return false;
    lines.push_back(std::string(name).append(metric));
  }
  return lines.size() > 1;
}

}  // namespace penstock::statsd
