#include "server/log/stderr_writer.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace penstock::log {
namespace {

constexpr int kPatienceMs = 250;

/// A pipe that polls as writable takes this much without blocking (PIPE_BUF of Linux), and in one piece.
constexpr std::size_t kPartBytes = 4096;

}  // namespace

bool StderrWriter::write(std::string_view line) noexcept {
  if (mid_line_ && !write_part("\n")) return false;
  mid_line_ = false;
  while (!line.empty()) {
    const std::string_view part = line.substr(0, kPartBytes);
    if (!write_part(part)) return false;
    line.remove_prefix(part.size());
    mid_line_ = !line.empty();
  }
  return true;
}

bool StderrWriter::write_part(std::string_view part) noexcept {
  while (!part.empty()) {
    if (!wait_until_writable()) return false;
    const ssize_t n = ::write(STDERR_FILENO, part.data(), part.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n <= 0) return false;
    mid_line_ = true;
    part.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

/// A pipe without reader or a hung-up terminal is not written to: that would raise SIGPIPE or fail.
bool StderrWriter::wait_until_writable() noexcept {
  pollfd poll_fd{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  int ready = 0;
  do {
    ready = ::poll(&poll_fd, 1, stuck_ ? 0 : kPatienceMs);
  } while (ready < 0 && errno == EINTR);
  stuck_ = ready == 0;
  return ready > 0 && (poll_fd.revents & (POLLERR | POLLHUP | POLLNVAL)) == 0;
}

bool stderr_shows_colours() noexcept {
  const char* term = std::getenv("TERM");
  const char* no_color = std::getenv("NO_COLOR");
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  const bool unwanted = no_color != nullptr && no_color[0] != '\0';
  return !dumb && !unwanted && ::isatty(STDERR_FILENO) == 1;
}

}  // namespace penstock::log
