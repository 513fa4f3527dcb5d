#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "server/admin/status.h"
#include "server/net/endpoint.h"
#include "server/net/socket_dump.h"

namespace penstock::admin {

/// What the kernel holds of the server's sockets, seen from outside of them: by dumps, so that no loop is asked and no
/// descriptor touched. One thread at a time.
class KernelSockets {
 public:
  /// `endpoints` are those of all listeners.
  explicit KernelSockets(const std::vector<Endpoint>& endpoints);

  /// Looks again. False: the kernel did not answer for some of them, which are then left out.
  bool look();

  /// By what the last look saw; nullptr: no such socket. Valid until the next look.
  const kernel::KernelSocket* find(std::uint64_t cookie) const noexcept;
  /// The sum for each URL: what has been accepted and what waits for it.
  std::map<std::string, KernelTotals> totals() const;

  // For look(), which feeds what the dumps give; here for tests.
  void begin();
  void add(const kernel::InetSocket& socket, kernel::InetKind kind);
  void add(const kernel::UnixSocket& socket);
  void finish();

 private:
  struct Place {  // a socket and the endpoint it belongs to
    kernel::KernelSocket socket;
    std::uint32_t endpoint;
  };
  struct LocalEnd {
    std::array<std::byte, 16> address{};
    std::uint16_t port = 0;
  };
  struct FileName {
    std::uint32_t file_inode = 0, device = 0;
    std::string abstract;

    // NOLINTNEXTLINE(modernize-use-nullptr): it sees a null
    auto operator<=>(const FileName&) const = default;
  };

  static LocalEnd local_end(const SocketAddress& from) noexcept;
  std::uint32_t endpoint_of(const kernel::InetSocket& socket, kernel::InetKind kind) const noexcept;
  bool dump(kernel::InetKind kind, int family);
  void add_to_totals(const Place& place, KernelTotals& totals) const;

  kernel::SocketDump dump_;
  std::vector<Endpoint> endpoints_;
  std::vector<LocalEnd> ends_;  // of each endpoint; without meaning for unix
  std::vector<Place> places_;   // by cookie
  // Learned from their endpoints, and kept: connections outlive the socket that they came through.
  std::map<FileName, std::uint32_t> unix_names_;
  std::vector<std::pair<FileName, kernel::KernelSocket>>
      unnamed_;  // before their endpoint was seen
};

}  // namespace penstock::admin
