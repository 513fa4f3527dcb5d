#pragma once

#include <atomic>
#include <chrono>

namespace penstock {

/// Lets another thread end a sink's wait for a pipe that nobody reads. Sticky until clear().
class Interrupt {
 public:
  Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  ~Interrupt();

  void request() noexcept;                                       ///< any thread
  bool requested() const noexcept { return requested_.load(); }  ///< any thread
  void clear() noexcept;                                         ///< the waiting thread

  /// True when `fd` may be written before `deadline` and before a request. An error on `fd` counts as writable: the
  /// write tells which.
  bool wait_writable(int fd, std::chrono::steady_clock::time_point deadline) const noexcept;

 private:
  int wake_;  // eventfd
  std::atomic<bool> requested_{false};
};

}  // namespace penstock
