#include "server/config/url_text.h"

namespace penstock::config {
namespace {

bool has_ports(std::string_view scheme) {
  for (const std::string_view known : {"tcp", "tcp4", "tcp6", "udp", "udp4", "udp6"}) {
    if (scheme == known) return true;
  }
  return false;
}

}  // namespace

bool asks_any_port(std::string_view url) {
  const auto split = url.find("://");
  if (split == std::string_view::npos || !has_ports(url.substr(0, split))) return false;
  const std::string_view address = url.substr(split + 3);
  if (address.empty()) return true;
  const auto colon = address.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string_view port = address.substr(colon + 1);
  if (port.starts_with('+') || port.starts_with('-'))
    port.remove_prefix(1);  // as net reads numbers
  return port.find_first_not_of('0') == std::string_view::npos;
}

}  // namespace penstock::config
