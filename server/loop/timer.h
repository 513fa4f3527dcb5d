#pragma once

#include <chrono>
#include <functional>

#include "server/loop/event_loop.h"

namespace penstock {

/// A timer of one loop; touched on its thread only. The destructor stops it.
class Timer {
 public:
  Timer(EventLoop& loop, std::function<void()> on_due);

  /// Due once after `delay`; a timer that runs is set anew.
  void start_once(std::chrono::milliseconds delay);
  void start_every(std::chrono::milliseconds interval);
  void stop() noexcept;
  bool running() const noexcept;

 private:
  void start(std::chrono::milliseconds delay, std::chrono::milliseconds repeat);

  std::function<void()> on_due_;
  UvHandle<uv_timer_t> handle_;
};

}  // namespace penstock
