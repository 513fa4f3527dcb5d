#include "tests/net/namespace_child.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

namespace penstock::test {
namespace {

bool bring_loopback_up() {
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  const bool up = ::ioctl(fd, SIOCSIFFLAGS, &request) == 0;
  ::close(fd);
  return up;
}

bool drop_capabilities() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> none{};
  return ::syscall(SYS_capset, &header, none.data()) == 0;
}

std::string run(Privilege privilege, const std::function<std::string()>& task) {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return std::string("SKIP: no network namespace: ") + std::strerror(errno);
  }
  if (!bring_loopback_up()) return std::string("SKIP: lo stays down: ") + std::strerror(errno);
  if (privilege == Privilege::kDropAll && !drop_capabilities()) return "SKIP: capset failed";
  return task();
}

}  // namespace

std::string in_own_namespace(Privilege privilege, const std::function<std::string()>& task) {
  std::array<int, 2> pipe_fds{};
  if (::pipe2(pipe_fds.data(), O_CLOEXEC) != 0) return "pipe failed";
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::string text = run(privilege, task);
    const ssize_t n = ::write(pipe_fds[1], text.data(), text.size());
    ::_exit(n == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(pipe_fds[1]);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 0; (n = ::read(pipe_fds[0], buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(pipe_fds[0]);
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status == 0 ? text : text + " (the child died, status " + std::to_string(status) + ")";
}

long counter(const std::string& group, const std::string& name) {
  for (const char* path : {"/proc/self/net/snmp", "/proc/self/net/netstat"}) {
    std::ifstream file(path);
    std::string names;
    std::string values;
    while (std::getline(file, names) && std::getline(file, values)) {
      if (!names.starts_with(group + ":")) continue;
      std::istringstream name_words(names);
      std::istringstream value_words(values);
      std::string found;
      std::string value;
      while (name_words >> found && value_words >> value) {
        if (found == name) return std::stol(value);
      }
    }
  }
  return -1;
}

}  // namespace penstock::test
