#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "protocols/core/now.h"
#include "protocols/core/result.h"
#include "server/loop/uv_handle.h"

namespace penstock {

/// One libuv loop, run by one thread. What a loop creates it alone touches and destroys; the only thread-safe call is
/// post(). A turn is: timers, one poll with its callbacks, the turn-end hook.
/// The destructor runs the loop until the close callbacks are done and checks that nothing is left in it.
class EventLoop {
 public:
  using Task = std::function<void()>;

  static Result<std::unique_ptr<EventLoop>> create();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Any thread: runs `task` on the loop's thread, in the order posted. Tasks posted after the loop has ended are
  /// destroyed unrun with it.
  void post(Task task);

  /// Runs turns until stop(); the calling thread is the loop's from here on.
  void run();
  /// Own thread: the current turn is the last one.
  void stop() noexcept;

  /// The time of this turn: read from the kernel once a turn, at the first call.
  Now now() noexcept;

  /// Called at the end of each turn, after all callbacks of its poll. One hook a loop.
  void set_turn_end(std::function<void()> hook) { turn_end_ = std::move(hook); }

  /// Called after each piece of work that asked for the time, with its length in nanoseconds: timers before a poll, or the
  /// callbacks behind it with the turn's end. One observer a loop.
  void set_work_observer(std::function<void(std::uint64_t)> observer) {
    work_observer_ = std::move(observer);
  }

  uv_loop_t* uv() noexcept { return &loop_; }

 private:
  EventLoop() = default;
  Result<void> init();
  void run_tasks();
  void end_work() noexcept;

  uv_loop_t loop_{};
  bool loop_ready_ = false;
  UvHandle<uv_async_t> wake_;
  UvHandle<uv_prepare_t> prepare_;
  UvHandle<uv_check_t> check_;
  std::function<void()> turn_end_;
  std::function<void(std::uint64_t)> work_observer_;

  std::mutex mutex_;
  std::vector<Task> tasks_;  // under mutex_
  bool closing_ = false;     // under mutex_: wake_ may not be touched any more

  Now now_;
  bool now_known_ = false;
};

}  // namespace penstock
