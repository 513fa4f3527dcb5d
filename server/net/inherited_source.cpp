#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string_view>

#include "protocols/core/errno_text.h"
#include "server/net/bind_socket.h"

namespace penstock {
namespace {

constexpr int kFirstDescriptor = 3;  // SD_LISTEN_FDS_START
constexpr int kMostDescriptors = 4096;

/// Decimal digits alone; nullopt for anything else.
std::optional<int> parse_decimal(std::string_view text) {
  int number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() ||
      number < 0)
    return {};
  return number;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// Our children must not take them for theirs.
void unset_variables() {
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"})
    ::unsetenv(name);
}

int option(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

tl::unexpected<Error> refuse(int fd, int code, const std::string& why) {
  return fail(code, "inherited descriptor " + std::to_string(fd) + ": " + why);
}

/// The scheme whose URL means exactly this socket: an AF_INET wildcard is tcp4's, a dual-stack one is tcp's.
std::optional<Scheme> scheme_of(int family, int type, const SocketAddress& address) {
  if (family == AF_UNIX) {
    if (type == SOCK_STREAM) return Scheme::kUnix;
    if (type == SOCK_DGRAM) return Scheme::kUnixgram;
    if (type == SOCK_SEQPACKET) return Scheme::kUnixpacket;
    return {};
  }
  if ((family != AF_INET && family != AF_INET6) || (type != SOCK_STREAM && type != SOCK_DGRAM))
    return {};
  const bool tcp = type == SOCK_STREAM;
  if (!is_wildcard(address)) return tcp ? Scheme::kTcp : Scheme::kUdp;
  if (family == AF_INET) return tcp ? Scheme::kTcp4 : Scheme::kUdp4;
  if (address.v6_only) return tcp ? Scheme::kTcp6 : Scheme::kUdp6;
  return tcp ? Scheme::kTcp : Scheme::kUdp;
}

/// IPPROTO_TCP or IPPROTO_UDP under an inet socket: SCTP and UDP-Lite look like them otherwise.
bool known_protocol(int fd, int family, int type) noexcept {
  if (family == AF_UNIX) return true;
  return option(fd, SO_PROTOCOL) == (type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP);
}

bool is_bound(const SocketAddress& address) noexcept {
  if (address.family() == AF_UNIX) return address.length > offsetof(sockaddr_un, sun_path);
  return port_of(address) != 0;
}

bool is_connected(int fd) noexcept {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
}

Result<void> prepare(int fd) {
  const int status = ::fcntl(fd, F_GETFL);
  if (status < 0 || ::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
      ::fcntl(fd, F_SETFL, status | O_NONBLOCK) < 0) {
    return refuse(fd, errno, errno_text(errno));
  }
  return {};
}

/// Checks one passed descriptor and takes it over.
Result<BoundSocket> take(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return refuse(fd, errno, errno_text(errno));
  if (!S_ISSOCK(status.st_mode)) return refuse(fd, ENOTSOCK, "not a socket");
  const int type = option(fd, SO_TYPE);
  const int family = option(fd, SO_DOMAIN);
  BoundSocket socket;
  socket.address = bound_address(fd);
  const auto scheme = scheme_of(family, type, socket.address);
  if (!scheme || !known_protocol(fd, family, type)) {
    return refuse(fd, EPROTONOSUPPORT, "not a tcp, udp, unix, unixgram or unixpacket socket");
  }
  if (!is_bound(socket.address)) return refuse(fd, EINVAL, "a socket without an address");
  if (is_connected(fd)) {
    return refuse(
        fd, EISCONN,
        "a connected socket, listening and datagram sockets are taken (systemd: Accept=no)");
  }
  if (const auto prepared = prepare(fd); !prepared) return tl::unexpected(prepared.error());
  socket.scheme = *scheme;
  socket.url = canonical_url(*scheme, socket.address);
  socket.receive_buffer_bytes = receive_buffer_bytes(fd);
  socket.inherited = true;
  socket.fd.reset(fd);
  return socket;
}

std::string path_in(const std::string& url) { return url.substr(url.find("://") + 3); }

/// `wanted` is an address as getsockname(2) gives it.
bool is_for(const BoundSocket& socket, const Url& url, const SocketAddress& wanted) {
  if (socket_type(socket.scheme) != socket_type(url.scheme) ||
      is_unix(socket.scheme) != is_unix(url.scheme))
    return false;
  if (is_unix(url.scheme)) return same_socket_name(path_in(socket.url), url.path);
  // V6ONLY matters where a socket could take IPv4 too.
  const bool dual_matters = is_wildcard(wanted) && wanted.family() == AF_INET6;
  return same_address(socket.address, wanted) &&
         (!dual_matters || socket.address.v6_only == wanted.v6_only);
}

/// Makes of a passed socket what `url` asks for. `joins`: false for the second and further sockets of one address, of
/// which each would get its own copy of every multicast datagram.
Result<void> adopt(BoundSocket& socket, const Url& url, const SocketAddress& wanted,
                   const BindOptions& options, bool joins) {
  socket.scheme = url.scheme;
  auto done = configure_socket(socket.fd.get(), url.scheme, options);
  if (done && joins) done = join_groups(socket, wanted, options.multicast);
  if (!done)
    return fail(done.error().code, "inherited " + socket.url + ": " + done.error().message);
  socket.url = canonical_url(url.scheme, socket.address);
  socket.receive_buffer_bytes = receive_buffer_bytes(socket.fd.get());
  return {};
}

}  // namespace

Result<InheritedSource> InheritedSource::from_environment() {
  const std::string pid = environment("LISTEN_PID");
  const std::string count_text = environment("LISTEN_FDS");
  unset_variables();
  InheritedSource source;
  if (pid.empty() || count_text.empty() || parse_decimal(pid) != ::getpid()) return source;
  const auto count = parse_decimal(count_text);
  if (!count || *count > kMostDescriptors) {
    return fail(EINVAL, "LISTEN_FDS: expected 0 to " + std::to_string(kMostDescriptors) +
                            ", got \"" + count_text + '"');
  }
  for (int fd = kFirstDescriptor; fd < kFirstDescriptor + *count; ++fd) {
    auto socket = take(fd);
    if (!socket) return tl::unexpected(socket.error());
    source.sockets_.push_back(std::move(*socket));
  }
  return source;
}

Result<std::vector<BoundSocket>> InheritedSource::open(const Url& url, const BindOptions& options) {
  std::vector<BoundSocket> taken;
  if (sockets_.empty()) return taken;
  const auto wanted = resolve(url);
  if (!wanted) return tl::unexpected(wanted.error());
  std::string missing;
  for (const SocketAddress& address : *wanted) {
    const auto name = bound_name(address, options.multicast);
    if (!name) return fail(name.error().code, url.text + ": " + name.error().message);
    // stable_partition moves: those for this address go to the back, in the order in which they were passed.
    const auto ours = std::stable_partition(
        sockets_.begin(), sockets_.end(),
        [&](const BoundSocket& socket) { return !is_for(socket, url, *name); });
    if (ours == sockets_.end()) missing = canonical_url(url.scheme, address);
    for (auto socket = ours; socket != sockets_.end(); ++socket) {
      const auto adopted = adopt(*socket, url, address, options, socket == ours);
      if (!adopted) return tl::unexpected(adopted.error());
    }
    std::move(ours, sockets_.end(), std::back_inserter(taken));
    sockets_.erase(ours, sockets_.end());
  }
  if (!taken.empty() && !missing.empty()) {
    return fail(0, '"' + url.text +
                       "\": the service manager passed some of its addresses but not " + missing +
                       ", pass all of them or none");
  }
  return taken;
}

std::vector<std::string> InheritedSource::unclaimed() const {
  std::vector<std::string> urls;
  for (const BoundSocket& socket : sockets_) urls.push_back(socket.url);
  return urls;
}

}  // namespace penstock
