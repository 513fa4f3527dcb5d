#include "server/net/transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace penstock {

ReadResult receive_bytes(int fd, std::span<char> space) {
  ssize_t n;
  do {
    n = ::recv(fd, space.data(), space.size(), MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n > 0)
    return {ReadResult::Status::kBytes, static_cast<std::size_t>(n), 0,
            static_cast<std::size_t>(n)};
  if (n == 0) return {ReadResult::Status::kEof, 0, 0};
  if (errno == EAGAIN) return {};
  return {ReadResult::Status::kError, 0, errno};
}

ReadResult PlainTransport::read(int fd, std::span<char> space, FrameCounts&) {
  return receive_bytes(fd, space);
}

}  // namespace penstock
