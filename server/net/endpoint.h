#pragma once

#include <cstdint>

#include "protocols/core/batch.h"
#include "server/net/url.h"

namespace penstock {

/// One bound socket of a listener, as the kernel may be asked about it: its descriptor is a loop's.
struct Endpoint {
  const Origin* origin = nullptr;  ///< listener and URL; lives as long as the listener
  Scheme scheme = Scheme::kTcp;
  SocketAddress address;
  std::uint64_t cookie = 0;  ///< SO_COOKIE
};

}  // namespace penstock
