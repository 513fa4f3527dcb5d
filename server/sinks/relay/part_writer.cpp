#include "server/sinks/relay/part_writer.h"

#include <sys/socket.h>

#include <cerrno>

namespace penstock {

bool send_front(int fd, std::string_view& bytes, PartWriter::Step& step) {
  for (;;) {
    const ssize_t n = ::send(fd, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      step.bytes += static_cast<std::size_t>(n);
      return true;
    }
    if (errno == EINTR) continue;
    step.full_or_broken(errno);
    return false;
  }
}

}  // namespace penstock
