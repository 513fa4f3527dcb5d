#include "server/log/sd_notify.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace penstock {
namespace {

struct NotifyAddress {
  sockaddr_un name{};
  socklen_t length = 0;
};

/// An absolute path or an `@abstract` name of up to 107 bytes; systemd's vsock form is for virtual machines only.
std::optional<NotifyAddress> notify_address() noexcept {
  const char* text = std::getenv("NOTIFY_SOCKET");
  if (text == nullptr || (text[0] != '/' && text[0] != '@') || text[1] == '\0') return {};
  const std::size_t size = std::strlen(text);
  NotifyAddress address;
  if (size >= sizeof address.name.sun_path) return {};
  address.name.sun_family = AF_UNIX;
  std::memcpy(address.name.sun_path, text, size);
  if (text[0] == '@') address.name.sun_path[0] = '\0';
  const std::size_t terminator =
      text[0] == '@' ? 0 : 1;  // abstract names are exact: a NUL more is another name
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size + terminator);
  return address;
}

}  // namespace

bool sd_notify(std::string_view state) noexcept {
  const auto address = notify_address();
  if (!address || state.empty()) return false;
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const timeval patience{.tv_sec = 1,
                         .tv_usec = 0};  // a manager with a full queue must not stop the server
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  sockaddr_storage storage{};
  std::memcpy(&storage, &address->name, sizeof address->name);
  const ssize_t sent = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&storage), address->length);
  ::close(fd);
  return sent == static_cast<ssize_t>(state.size());
}

}  // namespace penstock
