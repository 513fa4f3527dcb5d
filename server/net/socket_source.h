#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "protocols/core/result.h"
#include "server/net/multicast.h"
#include "server/net/unique_fd.h"
#include "server/net/unix_socket_file.h"
#include "server/net/url.h"

namespace penstock {

/// What a listener asks of its sockets.
struct BindOptions {
  std::size_t receive_buffer_bytes =
      0;                      ///< SO_RCVBUF (SO_RCVBUFFORCE where permitted); 0 leaves the system's
  bool gro = false;           ///< udp: UDP_GRO
  int backlog = 0;            ///< for start_listening; 0: net.core.somaxconn
  std::uint32_t mode = 0660;  ///< unix socket files
  std::string owner;          ///< user name or number; empty: ours
  std::string group;
  MulticastOptions multicast;  ///< udp
};

/// A socket that is bound and configured (non-blocking, close-on-exec, options set) but not yet listening, so that no
/// peer connects before everything else is known to work.
struct BoundSocket {
  UniqueFd fd;
  Scheme scheme = Scheme::kTcp;
  SocketAddress address;  ///< as bound: the port is known
  std::string url;        ///< canonical_url(scheme, address)
  UnixSocketFile file;    ///< unix schemes with a path
  std::size_t receive_buffer_bytes =
      0;  ///< effective, as getsockopt(SO_RCVBUF) says (the kernel doubles: FACTS.md 25)
  std::vector<JoinedGroup> groups;  ///< udp: that it is a member of
  bool inherited = false;  ///< came bound from outside (LISTEN_FDS) and may be listening already
};

/// listen(2) with `backlog` (0: somaxconn). Only for schemes that listen. EADDRINUSE can come here as well as at bind.
Result<void> start_listening(const BoundSocket& socket, int backlog);

/// Where listening and datagram sockets come from, found by URL. Main thread, before the loops run.
struct SocketSource {
  virtual ~SocketSource() = default;

  /// All sockets for `url`: one an address. Empty when this source has none for it (an inherited set); an error names
  /// the URL and what to do.
  virtual Result<std::vector<BoundSocket>> open(const Url& url, const BindOptions& options) = 0;
};

/// Binds new sockets.
class BindSource final : public SocketSource {
 public:
  Result<std::vector<BoundSocket>> open(const Url& url, const BindOptions& options) override;
};

/// Takes sockets that the service manager passed (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS from descriptor 3 on), found
/// by the addresses that a URL resolves to; each is handed out once. A dual-stack `[::]` is `tcp://:p`, `0.0.0.0` is
/// `tcp4://:p`, a specific address belongs to `tcp` and to its own family's scheme. Their unix files are never removed.
class InheritedSource final : public SocketSource {
 public:
  /// Reads the environment once and unsets the variables; without LISTEN_FDS for this process it holds nothing. A
  /// descriptor that is not a bound listening or datagram socket is an error: the unit file says something else than
  /// the operator thinks.
  static Result<InheritedSource> from_environment();

  /// A host name of which some addresses were passed and some not is an error.
  Result<std::vector<BoundSocket>> open(const Url& url, const BindOptions& options) override;

  /// URLs of sockets that no listener asked for; they are closed with this object.
  std::vector<std::string> unclaimed() const;

 private:
  std::vector<BoundSocket> sockets_;
};

}  // namespace penstock
