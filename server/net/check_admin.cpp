#include "server/net/check_admin.h"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "server/net/url.h"

namespace penstock {
namespace {

bool is_loopback(const SocketAddress& address) noexcept {
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    return ntohl(v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address.storage, sizeof v6);
  return IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
}

/// A name is taken for public: what it stands for may change. `localhost` is loopback by RFC 6761 section 6.3.
bool only_this_machine_reaches(const Url& url) {
  if (is_unix(url.scheme) || url.host == "localhost") return true;
  if (needs_lookup(url)) return false;
  const auto addresses = resolve(url, InetSupport{});
  return addresses && std::all_of(addresses->begin(), addresses->end(), is_loopback);
}

bool clashes(const Url& a, const Url& b) {
  if (is_unix(a.scheme)) return is_unix(b.scheme) && a.path == b.path;
  return is_tcp(a.scheme) && is_tcp(b.scheme) && a.port != 0 && a.port == b.port &&
         (a.host == b.host || a.host.empty() || b.host.empty());
}

}  // namespace

config::Problems check_admin(const config::Config& config) {
  const config::Admin& admin = config.admin;
  if (admin.listen == config::Admin::kOff) return {};
  const auto problem = [&](const std::string& text) {
    return config::Problems{{admin.listen_place, "admin: listen: " + text}};
  };
  const auto url = parse_url(admin.listen);
  if (!url) return problem(url.error().message);
  if (!is_tcp(url->scheme) && url->scheme != Scheme::kUnix)
    return problem(shown(url->text) + ": expected a tcp or unix URL");
  if (!only_this_machine_reaches(*url) && admin.token_file.empty())
    return problem(shown(url->text) +
                   " can be reached from other machines: that takes a token_file");
  for (const config::Listener& listener : config.listeners) {
    for (const config::ListenUrl& listen : listener.listen) {
      const auto other = parse_url(listen.url);
      if (other && clashes(*url, *other))
        return problem(shown(url->text) + " is an address of listener \"" + listener.name + '"');
    }
  }
  return {};
}

}  // namespace penstock
