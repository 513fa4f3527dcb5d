#pragma once

#include <sys/socket.h>

namespace penstock {

/// setsockopt(2) of an int; false: errno says why.
inline bool set_option(int fd, int level, int option, int value) noexcept {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/// getsockopt(2) of an int; 0 on error.
inline int get_option(int fd, int level, int option) noexcept {
  int value = 0;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, level, option, &value, &size) == 0 ? value : 0;
}

}  // namespace penstock
