#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <limits>
#include <span>

#include "server/commands/send/clock.h"
#include "server/net/unique_fd.h"

namespace penstock {

/// What a sender of connections waits for: events of its connections, which it knows by number, and of its supply's
/// input. Owns no descriptor but epoll's.
class EpollSet {
 public:
  /// epoll data of the supply's input: no connection has this number.
  static constexpr std::uint64_t kInput = std::numeric_limits<std::uint64_t>::max();

  /// A connection, with no events yet.
  void add(std::size_t c, int fd) noexcept { control(EPOLL_CTL_ADD, fd, 0, c); }
  void ask(std::size_t c, int fd, std::uint32_t events) noexcept {
    control(EPOLL_CTL_MOD, fd, events, c);
  }
  /// From here on no event comes, EPOLLHUP and EPOLLERR included.
  void remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

  /// Wakes wait() once when the input can be read. A regular file cannot be watched (EPERM), nor does it starve anybody.
  void watch_input(int fd) noexcept {
    if (input_watched_) return;
    const int how = input_known_ ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (!control(how, fd, EPOLLIN | EPOLLONESHOT, kInput)) return;
    input_known_ = true;
    input_watched_ = true;
  }
  /// The input was looked at: the next watch_input() begins anew.
  void input_seen() noexcept { input_watched_ = false; }

  /// Events that are there within `wait_ns`; the view lives until the next call.
  std::span<const epoll_event> wait(std::int64_t wait_ns) noexcept {
    const timespec time = to_timespec(wait_ns);
    const int n = ::epoll_pwait2(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                                 &time, nullptr);
    return {events_.data(), static_cast<std::size_t>(n > 0 ? n : 0)};
  }

 private:
  bool control(int how, int fd, std::uint32_t events, std::uint64_t data) noexcept {
    epoll_event event{};
    event.events = events;
    event.data.u64 = data;
    return ::epoll_ctl(epoll_.get(), how, fd, &event) == 0;
  }

  UniqueFd epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  std::array<epoll_event, 256> events_{};
  bool input_watched_ = false, input_known_ = false;
};

}  // namespace penstock
