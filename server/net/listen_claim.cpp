#include "server/net/listen_claim.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "server/net/multicast.h"
#include "server/net/unix_socket_file.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

/// The directory as the file system knows it (links and `..` followed), the last part as written.
std::string absolute_path(const std::string& path) {
  std::error_code failed;
  const fs::path whole = fs::absolute(path, failed);
  if (failed) return path;
  const fs::path directory = fs::weakly_canonical(whole.parent_path(), failed);
  if (failed) return whole.lexically_normal().string();
  return (directory / whole.filename()).string();
}

std::string small(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

ListenClaim unix_claim(Scheme scheme, const std::string& path) {
  ListenClaim claim;
  claim.scheme = scheme;
  claim.name = path.front() == '@' ? path : absolute_path(path);
  return claim;
}

/// The name of a resolved address: what its canonical URL has behind the scheme.
std::string address_name(Scheme scheme, const SocketAddress& address) {
  const std::string url = canonical_url(scheme, address);
  return url.substr(url.find("://") + 3);
}

ListenClaim name_claim(const Url& url) {
  ListenClaim claim;
  claim.scheme = url.scheme;
  claim.port = url.port;
  claim.v4 = url.scheme != Scheme::kTcp6 && url.scheme != Scheme::kUdp6;
  claim.v6 = url.scheme != Scheme::kTcp4 && url.scheme != Scheme::kUdp4;
  claim.name = small(url.host);
  return claim;
}

/// A resolved group carries its zone in its name.
void take_interface(ListenClaim& claim, const std::string& interface) {
  claim.interface = interface;
  const std::size_t zone = claim.name.find('%');
  if (zone == std::string::npos) return;
  const std::size_t end = claim.name.find(']', zone);
  claim.interface = claim.name.substr(zone + 1, end - zone - 1);
  claim.name.erase(zone, end - zone);
}

bool on_different_interfaces(const ListenClaim& a, const ListenClaim& b) {
  return a.group && b.group && !a.interface.empty() && !b.interface.empty() &&
         a.interface != b.interface;
}

bool conflict_unix(const ListenClaim& a, const ListenClaim& b) {
  if (is_lock_of(a, b) || is_lock_of(b, a)) return true;
  // Abstract names are apart for each type; a file is one file.
  if (a.name != b.name) return false;
  return a.name.front() != '@' || socket_type(a.scheme) == socket_type(b.scheme);
}

/// A wildcard takes all that the other may be.
bool covers(const ListenClaim& wildcard, const ListenClaim& other) {
  return wildcard.wildcard && (wildcard.v4 || !other.v4) && (wildcard.v6 || !other.v6);
}

}  // namespace

ListenClaim claim_of(Scheme scheme, const SocketAddress& address, const std::string& interface) {
  if (is_unix(scheme)) return unix_claim(scheme, address_name(scheme, address));
  ListenClaim claim;
  claim.scheme = scheme;
  claim.port = port_of(address);
  claim.wildcard = is_wildcard(address);
  claim.v4 = address.family() == AF_INET || (claim.wildcard && !address.v6_only);
  claim.v6 = address.family() == AF_INET6;
  if (!claim.wildcard) claim.name = address_name(scheme, address);
  claim.group = is_udp(scheme) && is_multicast(address);
  if (claim.group) take_interface(claim, interface);
  return claim;
}

ListenClaim claim_of(const Url& url, const std::string& interface) {
  if (is_unix(url.scheme)) return unix_claim(url.scheme, url.path);
  if (needs_lookup(url)) return name_claim(url);
  // The interface of a zone is a matter of the machine: compared as it is written.
  Url plain = url;
  plain.zone.clear();
  const auto addresses = resolve(plain, InetSupport{});
  if (!addresses) return name_claim(url);
  ListenClaim claim = claim_of(url.scheme, addresses->front(), interface);
  if (url.zone.empty()) return claim;
  if (claim.group) {
    claim.interface = url.zone;
  } else {
    claim.name += '%' + url.zone;
  }
  return claim;
}

bool is_lock_of(const ListenClaim& file, const ListenClaim& socket) {
  if (!is_unix(file.scheme) || !is_unix(socket.scheme)) return false;
  return socket.name.front() != '@' && file.name == lock_path(socket.name);
}

bool conflict(const ListenClaim& a, const ListenClaim& b) {
  if (is_unix(a.scheme) != is_unix(b.scheme)) return false;
  if (is_unix(a.scheme)) return conflict_unix(a, b);
  if (is_tcp(a.scheme) != is_tcp(b.scheme) || a.port != b.port || a.port == 0) return false;
  if (a.wildcard && b.wildcard) return (a.v4 && b.v4) || (a.v6 && b.v6);
  if (a.wildcard || b.wildcard) return a.wildcard ? covers(a, b) : covers(b, a);
  if (on_different_interfaces(a, b)) return false;
  return a.name == b.name && ((a.v4 && b.v4) || (a.v6 && b.v6));
}

}  // namespace penstock
