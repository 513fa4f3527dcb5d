#include "server/net/unix_socket_file.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "protocols/core/errno_text.h"
#include "server/net/socket_holder.h"

namespace penstock {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

const char* kind_of(mode_t mode) noexcept {
  switch (mode & S_IFMT) {
    case S_IFDIR: return "a directory";
    case S_IFREG: return "a regular file";
    case S_IFLNK: return "a symbolic link";
    case S_IFIFO: return "a FIFO";
    default: return "a device";
  }
}

PathFinding refused(int code, std::string text) {
  return {PathState::kRefused, code, std::move(text)};
}

PathFinding examine_directory(const std::string& path) {
  const std::string directory = directory_of(path);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    const int code = errno;
    if (code == ENOENT) return refused(code, "directory " + directory + " does not exist");
    return refused(code, "directory " + directory + ": " + errno_text(code));
  }
  if (!S_ISDIR(status.st_mode)) return refused(ENOTDIR, directory + " is not a directory");
  return {};
}

/// errno of connecting a datagram socket to the file; 0 when it connected.
int ask(const std::string& path) noexcept {
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno;
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) return ENAMETOOLONG;
  std::memcpy(name.sun_path, path.data(), path.size());
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0
                                                                                         : errno;
}

PathFinding live(const std::string& path) {
  const std::string who = holder_text(find_unix_holder(path));
  return {PathState::kLive, EADDRINUSE,
          "a live server holds it" + (who.empty() ? who : " (" + who + ')')};
}

/// A socket file of ours without any right is what a start leaves that was killed between bind and chmod: nobody but
/// root could ask it. A Penstock that is just there holds the lock; we ourselves hold it when we look again.
bool is_half_made(const std::string& path, const struct stat& status) {
  const auto holder = lock_holder(path);
  return status.st_uid == geteuid() && (status.st_mode & 0777) == 0 &&
         (!holder || *holder == getpid());
}

PathFinding examine_socket(const std::string& path, const struct stat& status) {
  switch (const int code = ask(path)) {
    case ECONNREFUSED: return {PathState::kStale, 0, {}};
    case ENOENT: return {};  // removed in between
    case 0:
    case EPROTOTYPE:
    case EPERM:  // a datagram socket that is connected to somebody else
    case EAGAIN: return live(path);
    case EACCES:
      if (is_half_made(path, status)) return {PathState::kStale, 0, {}};
      return refused(code, "cannot tell whether a server holds it: " + errno_text(code) +
                               ", remove the file by hand if none does");
    default: return refused(code, "cannot tell whether a server holds it: " + errno_text(code));
  }
}

/// A line of /proc/locks: `1: FLOCK  ADVISORY  WRITE 1234 08:02:131 0 EOF`; waiting ones have `->` behind the number.
std::optional<int> parse_flock(const std::string& line, const struct stat& file) {
  std::istringstream words(line);
  std::string number, kind, advice, access, where;
  int pid = 0;
  if (!(words >> number >> kind >> advice >> access >> pid >> where) || kind != "FLOCK") return {};
  char wanted[64];
  std::snprintf(wanted, sizeof wanted, "%02x:%02x:%llu", major(file.st_dev), minor(file.st_dev),
                static_cast<unsigned long long>(file.st_ino));
  if (where != wanted) return {};
  return pid > 0 ? pid : 0;
}

std::string another_penstock(const std::string& path) {
  const auto pid = lock_holder(path);
  const std::string who = pid && *pid > 0 ? " (pid " + std::to_string(*pid) + ')' : "";
  return "another Penstock listens there" + who + ": it holds " + lock_path(path);
}

std::string user_name(uid_t uid) {
  std::vector<char> buffer(64 << 10);
  passwd entry{};
  passwd* found = nullptr;
  ::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found);
  return found != nullptr ? found->pw_name : "uid " + std::to_string(uid);
}

/// Whose lock file it is that may not be opened, and what to do about it: a run as another user has left it.
std::string hint_for(const std::string& file) {
  struct stat status {};
  if (::lstat(file.c_str(), &status) != 0 || status.st_uid == ::geteuid()) return {};
  const std::string us = user_name(::geteuid());
  return ", it belongs to " + user_name(status.st_uid) + ": remove it, or chown it to " + us;
}

tl::unexpected<Error> not_opened(const std::string& path, int code) {
  const std::string file = lock_path(path);
  const bool denied = code == EACCES || code == EPERM;
  if (denied && lock_holder(path)) return fail(EWOULDBLOCK, another_penstock(path));
  return fail(code, "lock file " + file + ": " + errno_text(code) + (denied ? hint_for(file) : ""));
}

}  // namespace

UnixSocketFile::UnixSocketFile(std::string path, UniqueFd node, UniqueFd lock) noexcept
    : path_(std::move(path)), node_(std::move(node)), lock_(std::move(lock)) {}

UnixSocketFile::UnixSocketFile(UnixSocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      node_(std::move(other.node_)),
      lock_(std::move(other.lock_)) {}

UnixSocketFile& UnixSocketFile::operator=(UnixSocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  node_ = std::move(other.node_);
  lock_ = std::move(other.lock_);
  return *this;
}

UnixSocketFile::~UnixSocketFile() { remove(); }

void UnixSocketFile::remove() noexcept {
  if (path_.empty()) return;
  struct stat ours {};
  struct stat there {};
  if (::fstat(node_.get(), &ours) == 0 && ::lstat(path_.c_str(), &there) == 0 &&
      ours.st_dev == there.st_dev && ours.st_ino == there.st_ino) {
    ::unlink(path_.c_str());
  }
  path_.clear();
  node_.reset();
}

std::string lock_path(const std::string& path) { return path + ".lock"; }

PathFinding examine_socket_path(const std::string& path) {
  if (PathFinding directory = examine_directory(path); directory.state == PathState::kRefused)
    return directory;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    const int code = errno;
    return code == ENOENT ? PathFinding{} : refused(code, errno_text(code));
  }
  if (S_ISSOCK(status.st_mode)) return examine_socket(path, status);
  return refused(EEXIST,
                 path + " is " + kind_of(status.st_mode) + ", not a socket, and is left alone");
}

bool same_socket_name(const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (a.empty() || b.empty() || a.front() == '@' || b.front() == '@') return false;
  std::error_code ignored;
  const std::filesystem::path left =
      std::filesystem::weakly_canonical(std::filesystem::absolute(a, ignored), ignored);
  return left == std::filesystem::weakly_canonical(std::filesystem::absolute(b, ignored), ignored);
}

std::optional<int> lock_holder(const std::string& path) {
  struct stat file {};
  if (::lstat(lock_path(path).c_str(), &file) != 0) return {};
  std::ifstream locks("/proc/locks");
  for (std::string line; std::getline(locks, line);) {
    if (const auto pid = parse_flock(line, file)) return pid;
  }
  return {};
}

std::string lock_trouble(const std::string& path) {
  const UniqueFd fd(
      ::open(lock_path(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd || errno == ENOENT) return {};
  return not_opened(path, errno).value().message;
}

Result<UniqueFd> lock_socket_path(const std::string& path) {
  const std::string file = lock_path(path);
  // Read-only is enough for flock; O_NONBLOCK keeps a FIFO put there from holding us up.
  UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  if (!fd) return not_opened(path, errno);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return fail(EEXIST, "lock file " + file + " is not a regular file");
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    return fail(code, code == EWOULDBLOCK ? another_penstock(path)
                                          : "lock file " + file + ": " + errno_text(code));
  }
  return fd;
}

}  // namespace penstock
