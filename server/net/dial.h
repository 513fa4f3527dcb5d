#pragma once

#include <vector>

#include "protocols/core/result.h"
#include "server/net/url.h"

/// What every client of a URL needs: `penstock send`, the relay sink.
namespace penstock {

/// The addresses to try for `url`, in order. The wildcard stands for this machine: its loopback addresses. May block on the
/// resolver where needs_lookup().
Result<std::vector<SocketAddress>> addresses_to_try(const Url& url);

/// The errno that waits on the socket (SO_ERROR), and is gone from it then; 0: none.
int socket_error(int fd) noexcept;

}  // namespace penstock
