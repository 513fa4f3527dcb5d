#include "server/sinks/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "protocols/core/check.h"

namespace penstock {

Interrupt::Interrupt() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  PENSTOCK_CHECK(wake_ >= 0);
}

Interrupt::~Interrupt() { ::close(wake_); }

void Interrupt::request() noexcept {
  requested_.store(true);
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it wakes already.
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
}

void Interrupt::clear() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(wake_, &count, sizeof count);
  requested_.store(false);
}

bool Interrupt::wait_writable(int fd,
                              std::chrono::steady_clock::time_point deadline) const noexcept {
  using std::chrono::milliseconds;
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    const auto left =
        deadline <= now ? milliseconds(0) : std::chrono::ceil<milliseconds>(deadline - now);
    std::array<pollfd, 2> polls = {pollfd{fd, POLLOUT, 0}, pollfd{wake_, POLLIN, 0}};
    const int ready = ::poll(polls.data(), polls.size(), static_cast<int>(left.count()));
    if (polls[1].revents != 0 && ready > 0) return false;
    if (ready > 0) return true;
    if (ready == 0 && left.count() == 0) return false;
  }
}

}  // namespace penstock
