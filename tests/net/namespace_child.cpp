#include "tests/net/namespace_child.h"

#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/support/child.h"

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
  return in_child([&] { return run(privilege, task); });
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
