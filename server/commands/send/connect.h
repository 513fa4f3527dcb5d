#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "protocols/core/result.h"
#include "server/net/dial.h"
#include "server/net/unique_fd.h"
#include "server/net/url.h"

namespace penstock {

/// How datagrams to a multicast group leave; an error where the address is none. Receivers of this machine get them too.
struct MulticastWay {
  std::string interface;  ///< empty: by the system's route
  int ttl = 0;            ///< hops; 0: the system's default, 1
};

/// A connected, non-blocking socket to the first address that answers; gives up after `timeout_ms` for all of them
/// together. Datagram sockets are connected as well, which costs nothing and lets errors come back.
Result<UniqueFd> connect_to(const Url& url, const std::vector<SocketAddress>& addresses,
                            std::int64_t timeout_ms, const MulticastWay& way = {});

}  // namespace penstock
