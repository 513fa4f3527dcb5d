#include "server/admin/kernel_sockets.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

namespace penstock::admin {
namespace {

using kernel::InetKind;
using kernel::InetSocket;
using kernel::KernelSocket;
using kernel::UnixSocket;

constexpr std::uint32_t kNobody = static_cast<std::uint32_t>(-1);
constexpr std::uint8_t kEstablished = 1, kCloseWait = 8;  // of <netinet/tcp.h>

bool is_of_kind(Scheme scheme, InetKind kind) noexcept {
  return kind == InetKind::kTcp ? is_tcp(scheme) : is_udp(scheme);
}

/// Closed by us, only the kernel still deals with it: nothing there waits to be read.
bool is_left_behind(const KernelSocket& socket) noexcept {
  return socket.inode == 0 && socket.state != kEstablished && socket.state != kCloseWait;
}

}  // namespace

KernelSockets::KernelSockets(const std::vector<Endpoint>& endpoints) : endpoints_(endpoints) {
  for (const Endpoint& one : endpoints_) ends_.push_back(local_end(one.address));
}

KernelSockets::LocalEnd KernelSockets::local_end(const SocketAddress& from) noexcept {
  LocalEnd end;
  if (from.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from.storage, sizeof v4);
    end.port = ntohs(v4.sin_port);
    std::memcpy(end.address.data(), &v4.sin_addr, sizeof v4.sin_addr);
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from.storage, sizeof v6);
    end.port = ntohs(v6.sin6_port);
    std::memcpy(end.address.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  }
  return end;
}

bool KernelSockets::look() {
  begin();
  bool answered = true;
  for (const InetKind kind : {InetKind::kTcp, InetKind::kUdp})
    for (const int family : {AF_INET, AF_INET6}) answered = dump(kind, family) && answered;
  const bool any_unix = std::any_of(endpoints_.begin(), endpoints_.end(),
                                    [](const Endpoint& one) { return is_unix(one.scheme); });
  if (any_unix)
    answered = dump_.unix_domain([this](const UnixSocket& socket) { add(socket); }) && answered;
  finish();
  return answered;
}

/// Nothing is asked where there is no such endpoint. Dual-stack sockets are of AF_INET6, with all that came through them.
bool KernelSockets::dump(InetKind kind, int family) {
  std::set<std::uint16_t> ports;
  for (std::size_t at = 0; at < endpoints_.size(); ++at) {
    if (is_of_kind(endpoints_[at].scheme, kind) && endpoints_[at].address.family() == family)
      ports.insert(ends_[at].port);
  }
  if (ports.empty()) return true;
  const std::vector<std::uint16_t> list(ports.begin(), ports.end());
  return dump_.inet(kind, family, list,
                    [this, kind](const InetSocket& socket) { add(socket, kind); });
}

void KernelSockets::begin() {
  places_.clear();
  unnamed_.clear();
}

void KernelSockets::add(const InetSocket& socket, InetKind kind) {
  const std::uint32_t endpoint = endpoint_of(socket, kind);
  if (endpoint != kNobody) places_.push_back({socket, endpoint});
}

/// The endpoint with this very address before one with the wildcard.
std::uint32_t KernelSockets::endpoint_of(const InetSocket& socket, InetKind kind) const noexcept {
  std::uint32_t best = kNobody;
  for (std::uint32_t at = 0; at < endpoints_.size(); ++at) {
    const Endpoint& one = endpoints_[at];
    if (!is_of_kind(one.scheme, kind) || one.address.family() != socket.family) continue;
    if (ends_[at].port != socket.port) continue;
    if (ends_[at].address == socket.address) return at;
    if (ends_[at].address == std::array<std::byte, 16>{}) best = at;
  }
  return best;
}

void KernelSockets::add(const UnixSocket& socket) {
  FileName name{socket.name.file_inode, socket.name.device, {}};
  if (name.file_inode == 0) name.abstract = socket.name.abstract;
  if (const auto known = unix_names_.find(name); known != unix_names_.end()) {
    places_.push_back({socket, known->second});
    return;
  }
  const auto endpoint = std::find_if(
      endpoints_.begin(), endpoints_.end(),
      [&](const Endpoint& one) { return is_unix(one.scheme) && one.cookie == socket.cookie; });
  if (endpoint == endpoints_.end()) {
    unnamed_.emplace_back(std::move(name), socket);
    return;
  }
  const auto at = static_cast<std::uint32_t>(endpoint - endpoints_.begin());
  unix_names_.emplace(std::move(name), at);
  places_.push_back({socket, at});
}

void KernelSockets::finish() {
  for (const auto& [name, socket] : unnamed_) {
    const auto known = unix_names_.find(name);
    if (known != unix_names_.end()) places_.push_back({socket, known->second});
  }
  unnamed_.clear();
  std::sort(places_.begin(), places_.end(),
            [](const Place& a, const Place& b) { return a.socket.cookie < b.socket.cookie; });
}

const KernelSocket* KernelSockets::find(std::uint64_t cookie) const noexcept {
  const auto found = std::lower_bound(
      places_.begin(), places_.end(), cookie,
      [](const Place& place, std::uint64_t wanted) { return place.socket.cookie < wanted; });
  return found != places_.end() && found->socket.cookie == cookie ? &found->socket : nullptr;
}

void KernelSockets::add_to_totals(const Place& place, KernelTotals& totals) const {
  const KernelSocket& socket = place.socket;
  if (kernel::is_listening(socket)) {
    totals.accept_queue += socket.receive_queue;
    totals.backlog += socket.send_queue;
    return;
  }
  if (is_left_behind(socket)) return;
  totals.receive_queue_bytes += socket.receive_queue;
  totals.send_queue_bytes += socket.send_queue;
  if (is_datagram(endpoints_[place.endpoint].scheme))
    totals.receive_buffer_bytes += socket.receive_buffer_bytes;
}

std::map<std::string, KernelTotals> KernelSockets::totals() const {
  std::map<std::string, KernelTotals> sums;
  for (const Place& place : places_)
    add_to_totals(place, sums[endpoints_[place.endpoint].origin->url]);
  return sums;
}

}  // namespace penstock::admin
