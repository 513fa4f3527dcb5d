#pragma once

#include <cstdint>
#include <string>

#include "server/net/url.h"

namespace penstock {

/// What a listen entry takes for itself, for finding two that cannot be bound together.
struct ListenClaim {
  Scheme scheme = Scheme::kTcp;
  std::uint16_t port = 0;  ///< 0: any free one, never in conflict
  bool v4 = false;         ///< families it may take
  bool v6 = false;
  bool wildcard = false;  ///< all addresses of those families
  bool group = false;     ///< a multicast group: one socket an interface
  std::string interface;  ///< of a group, as written; empty where the system chooses
  std::string name;       ///< one address or host name, or the unix path made absolute, or `@name`
};

/// From the spelling alone, without the resolver. `url` must have passed parse_url(). `interface`: that of the listener's
/// groups (multicast.interface).
ListenClaim claim_of(const Url& url, const std::string& interface = {});

/// One resolved address.
ListenClaim claim_of(Scheme scheme, const SocketAddress& address,
                     const std::string& interface = {});

/// `file` would stand where `socket` has its lock file (lock_socket_path): the unix paths `X.lock` and `X`.
bool is_lock_of(const ListenClaim& file, const ListenClaim& socket);

/// True where binding both is certain to fail.
bool conflict(const ListenClaim& a, const ListenClaim& b);

}  // namespace penstock
