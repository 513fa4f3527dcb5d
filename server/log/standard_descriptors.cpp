#include "server/log/standard_descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace penstock::log {
namespace {

bool fill(int fd, int direction) noexcept {
  if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) return true;
  // The lowest free number is `fd` itself: those below are taken by now.
  return ::open("/dev/null", direction | O_CLOEXEC) == fd;
}

}  // namespace

bool fill_standard_descriptors() noexcept {
  return fill(STDIN_FILENO, O_WRONLY) && fill(STDOUT_FILENO, O_RDONLY) &&
         fill(STDERR_FILENO, O_WRONLY);
}

}  // namespace penstock::log
