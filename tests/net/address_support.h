#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "server/net/socket_source.h"

/// What the tests of addresses share: folders, plain servers, other users.
namespace penstock::test {

constexpr uid_t kNobody = 65534;

/// A folder that everybody may write to, gone at the end of the test.
class TempDir {
 public:
  TempDir() {
    std::string name = "/tmp/penstock-net-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    ::chmod(name.c_str(), 0777);
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + '/' + name; }

  /// Names of all that lies in it, sorted, joined by blanks.
  std::string list() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    std::string all;
    for (const std::string& name : names) all += (all.empty() ? "" : " ") + name;
    return all;
  }

 private:
  std::string path_;
};

/// Runs `body` in a forked child, as `uid` where we are root, and gives what it returned.
inline std::string in_child(uid_t uid, const std::function<std::string()>& body) {
  int pipe_fds[2];
  if (::pipe(pipe_fds) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && uid != 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0)) ::_exit(1);
    const int answer_fd =
        ::fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 100);  // out of the way of descriptors from 3 on
    ::close(pipe_fds[0]);
    ::close(pipe_fds[1]);
    const std::string answer = body();
    if (::write(answer_fd, answer.data(), answer.size()) < 0) ::_exit(1);
    ::_exit(0);
  }
  ::close(pipe_fds[1]);
  std::string answer;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(pipe_fds[0], buffer, sizeof buffer)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe_fds[0]);
  ::waitpid(child, nullptr, 0);
  return answer;
}

inline sockaddr_un unix_name(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), std::min(path.size(), sizeof name.sun_path));
  return name;
}

/// A foreign server: bound, listening where `listening`.
inline UniqueFd foreign_server(const std::string& path, int type, bool listening) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un name = unix_name(path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) std::abort();
  if (listening && ::listen(fd.get(), 5) != 0) std::abort();
  return fd;
}

/// errno of a connect to the path, 0 when it went well.
inline int try_connect(const std::string& path, int type) {
  const UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  const sockaddr_un name = unix_name(path);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0
                                                                                         : errno;
}

inline int int_option(int fd, int level, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  ::getsockopt(fd, level, option, &value, &size);
  return value;
}

inline Result<std::vector<BoundSocket>> open_url(const std::string& text,
                                                 const BindOptions& options = {}) {
  const auto url = parse_url(text);
  if (!url) return tl::unexpected(url.error());
  BindSource source;
  return source.open(*url, options);
}

/// The error's text, or `bound`.
inline std::string bind_message(const std::string& text, const BindOptions& options = {}) {
  const auto sockets = open_url(text, options);
  return sockets ? "bound" : sockets.error().message;
}

inline struct stat status_of(const std::string& path) {
  struct stat status {};
  ::lstat(path.c_str(), &status);
  return status;
}

}  // namespace penstock::test
