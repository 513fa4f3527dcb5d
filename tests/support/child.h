#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <string>

#include "tests/support/descriptors.h"

/// Tests that change their process (descriptors, limits, user, namespaces) do it in a forked one.
namespace penstock::test {

inline constexpr uid_t kNobody = 65534;

/// Runs `body` in a forked child and gives what it returned; a child that died is told behind it.
inline std::string in_child(const std::function<std::string()>& body) {
  std::array<int, 2> pipe_fds{};
  if (::pipe2(pipe_fds.data(), O_CLOEXEC) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    // Out of the way of descriptors from 3 on, which `body` may want for itself.
    const int answer_fd = ::fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 100);
    for (const int fd : pipe_fds) ::close(fd);
    const std::string answer = body();
    const ssize_t n = ::write(answer_fd, answer.data(), answer.size());
    ::_exit(n == static_cast<ssize_t>(answer.size()) ? 0 : 1);
  }
  ::close(pipe_fds[1]);
  std::string answer = read_to_end(pipe_fds[0]);
  ::close(pipe_fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) answer += " (the child died, status " + std::to_string(status) + ")";
  return answer;
}

/// The same as `uid`, where we are root.
inline std::string in_child(uid_t uid, const std::function<std::string()>& body) {
  return in_child([&] {
    if (::geteuid() == 0 && uid != 0 && (::setgid(uid) != 0 || ::setuid(uid) != 0)) ::_exit(1);
    return body();
  });
}

}  // namespace penstock::test
