#include "protocols/core/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace penstock {
namespace {

Peer from_inet4(const in_addr& address, in_port_t port) noexcept {
  Peer peer{.kind = Peer::Kind::kInet4, .port = ntohs(port)};
  std::memcpy(peer.address.data(), &address, sizeof address);
  return peer;
}

Peer from_inet6(const sockaddr_in6& from) noexcept {
  if (IN6_IS_ADDR_V4MAPPED(&from.sin6_addr)) {
    in_addr v4{};
    std::memcpy(&v4, from.sin6_addr.s6_addr + 12, sizeof v4);
    return from_inet4(v4, from.sin6_port);
  }
  Peer peer{
      .kind = Peer::Kind::kInet6, .port = ntohs(from.sin6_port), .scope_id = from.sin6_scope_id};
  std::memcpy(peer.address.data(), &from.sin6_addr, sizeof from.sin6_addr);
  return peer;
}

/// Not inet_ntop, which prints it by a format: ten times the time, and a sink may want it for each record.
std::string inet4_text(const Peer& peer) {
  std::array<char, INET_ADDRSTRLEN> text{};
  char* out = text.data();
  for (std::size_t at = 0; at < 4; ++at) {
    if (at != 0) *out++ = '.';
    out = std::to_chars(out, text.data() + text.size(), peer.address[at]).ptr;
  }
  return {text.data(), out};
}

}  // namespace

Peer peer_from_sockaddr(const sockaddr* address, std::uint32_t length) noexcept {
  if (address == nullptr || length < sizeof(sa_family_t)) return {};
  // Copied out: the caller's buffer need not be aligned for the wider types.
  if (address->sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return from_inet4(v4.sin_addr, v4.sin_port);
  }
  if (address->sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return from_inet6(v6);
  }
  if (address->sa_family == AF_UNIX) return {.kind = Peer::Kind::kUnix};
  return {};
}

void set_command(Peer& peer, std::string_view command) noexcept {
  peer.address = {};
  command = command.substr(0, std::min(command.find('\0'), peer.address.size() - 1));
  std::copy(command.begin(), command.end(), peer.address.begin());
}

std::string_view command_of(const Peer& peer) noexcept {
  if (peer.kind != Peer::Kind::kUnix) return {};
  const auto* text = reinterpret_cast<const char*>(peer.address.data());
  return {text, strnlen(text, peer.address.size())};
}

std::string address_text(const Peer& peer) {
  char text[INET6_ADDRSTRLEN] = {};
  switch (peer.kind) {
    case Peer::Kind::kInet4: return inet4_text(peer);
    case Peer::Kind::kInet6: return inet_ntop(AF_INET6, peer.address.data(), text, sizeof text);
    case Peer::Kind::kUnix: return "uid-" + std::to_string(peer.uid);
    case Peer::Kind::kNone: break;
  }
  return "unknown";
}

std::string zoned_address_text(const Peer& peer) {
  if (peer.scope_id == 0) return address_text(peer);
  return address_text(peer) + '%' + std::to_string(peer.scope_id);
}

std::string to_string(const Peer& peer) {
  switch (peer.kind) {
    case Peer::Kind::kInet4: return address_text(peer) + ':' + std::to_string(peer.port);
    case Peer::Kind::kInet6:
      return '[' + zoned_address_text(peer) + "]:" + std::to_string(peer.port);
    case Peer::Kind::kUnix:
      return "pid=" + std::to_string(peer.pid) + ",uid=" + std::to_string(peer.uid) +
             ",gid=" + std::to_string(peer.gid);
    case Peer::Kind::kNone: break;
  }
  return "unknown";
}

}  // namespace penstock
