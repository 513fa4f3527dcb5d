#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <filesystem>
#include <vector>

#include "protocols/core/errno_text.h"
#include "server/net/bind_socket.h"

namespace penstock {
namespace {

tl::unexpected<Error> refuse(const Url& url, int code, const std::string& why) {
  return fail(code, "bind " + url.text + ": " + why);
}

tl::unexpected<Error> refuse(const Url& url, const PathFinding& finding) {
  return refuse(url, finding.code, finding.text);
}

// --- owner ----------------------------------------------------------------------------------------------------

/// The largest value means "leave as it is" to chown(2).
bool parse_id(const std::string& text, std::uint32_t& id) {
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, id);
  return parsed.ec == std::errc{} && parsed.ptr == end && id != static_cast<std::uint32_t>(-1);
}

Result<uid_t> find_user(const std::string& name) {
  std::vector<char> buffer(64 << 10);
  passwd entry{};
  passwd* found = nullptr;
  const int rc = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return found->pw_uid;
  uid_t id = 0;
  if (parse_id(name, id)) return id;
  return fail(rc, "no such user \"" + name + '"');
}

Result<gid_t> find_group(const std::string& name) {
  std::vector<char> buffer(1 << 20);  // a group can have very many members
  group entry{};
  group* found = nullptr;
  const int rc = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found != nullptr) return found->gr_gid;
  gid_t id = 0;
  if (parse_id(name, id)) return id;
  return fail(rc, "no such group \"" + name + '"');
}

// --- the file -------------------------------------------------------------------------------------------------

/// Under the lock: a stale file goes, anything else that came in the meantime stays.
Result<void> clear_path(const Url& url) {
  const PathFinding now = examine_socket_path(url.path);
  if (now.state == PathState::kFree) return {};
  if (now.state != PathState::kStale) return refuse(url, now);
  if (::unlink(url.path.c_str()) == 0 || errno == ENOENT) return {};
  return refuse(url, errno, "remove the stale socket there: " + errno_text(errno));
}

/// Owner first, while nobody has a right, then the mode: no moment shows more than what is asked for. The node is
/// changed, not the path: it cannot be exchanged between the calls.
Result<void> set_rights(const Url& url, int node, const FileOwner& owner, mode_t mode) {
  const bool keep = owner.uid == static_cast<uid_t>(-1) && owner.gid == static_cast<gid_t>(-1);
  if (!keep && ::fchownat(node, "", owner.uid, owner.gid, AT_EMPTY_PATH) != 0) {
    return refuse(url, errno, "set owner and group: " + errno_text(errno));
  }
  const std::string by_node = "/proc/self/fd/" + std::to_string(node);
  if (::chmod(by_node.c_str(), mode) != 0 &&
      (errno != ENOENT || ::chmod(url.path.c_str(), mode) != 0)) {
    return refuse(url, errno, "set mode: " + errno_text(errno));
  }
  return {};
}

Result<UniqueFd> make_file(const Url& url, const SocketAddress& address, int fd) {
  // The kernel gives the file the mode of the socket's own inode: there is no moment with a wider one, and the
  // process-wide umask is left alone (FACTS.md 40).
  if (::fchmod(fd, 0) != 0) return refuse(url, errno, "set mode: " + errno_text(errno));
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.length) != 0) {
    return tl::unexpected(bind_error(url, address, errno));
  }
  UniqueFd node(::open(url.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!node) return refuse(url, errno, "open the new socket file: " + errno_text(errno));
  return node;
}

std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return failed ? path : whole.string();
}

Result<BoundSocket> bind_locked(const Url& url, const SocketAddress& address,
                                const BindOptions& options, const FileOwner& owner, UniqueFd lock) {
  UniqueFd fd(::socket(AF_UNIX, socket_type(url.scheme) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return tl::unexpected(bind_error(url, address, errno));
  if (const auto done = configure_socket(fd.get(), url.scheme, options); !done) {
    return refuse(url, done.error().code, done.error().message);
  }
  auto node = make_file(url, address, fd.get());
  if (!node) return tl::unexpected(node.error());
  const int file = node->get();
  BoundSocket bound;
  bound.file = UnixSocketFile(absolute(url.path), std::move(*node), std::move(lock));
  if (const auto done = set_rights(url, file, owner, options.mode); !done)
    return tl::unexpected(done.error());
  bound.address = bound_address(fd.get());
  bound.scheme = url.scheme;
  bound.url = canonical_url(url.scheme, bound.address);
  bound.receive_buffer_bytes = receive_buffer_bytes(fd.get());
  bound.fd = std::move(fd);
  return bound;
}

}  // namespace

Result<FileOwner> find_owner(const std::string& owner, const std::string& group) {
  FileOwner ids;
  if (!owner.empty()) {
    const auto uid = find_user(owner);
    if (!uid) return tl::unexpected(uid.error());
    ids.uid = *uid;
  }
  if (!group.empty()) {
    const auto gid = find_group(group);
    if (!gid) return tl::unexpected(gid.error());
    ids.gid = *gid;
  }
  return ids;
}

Result<BoundSocket> bind_path(const Url& url, const SocketAddress& address,
                              const BindOptions& options) {
  const auto owner = find_owner(options.owner, options.group);
  if (!owner) return refuse(url, owner.error().code, owner.error().message);
  // Looked at before the lock file is made, so that a refusal leaves no trace, and again under the lock.
  const PathFinding before = examine_socket_path(url.path);
  if (before.state == PathState::kRefused) return refuse(url, before);
  if (before.state == PathState::kLive && !lock_holder(url.path)) return refuse(url, before);
  auto lock = lock_socket_path(url.path);
  if (!lock) return refuse(url, lock.error().code, lock.error().message);
  if (const auto clear = clear_path(url); !clear) return tl::unexpected(clear.error());
  return bind_locked(url, address, options, *owner, std::move(*lock));
}

}  // namespace penstock
