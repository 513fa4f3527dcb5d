#include "server/loop/event_loop.h"

#include <utility>

#include "protocols/core/check.h"
#include "server/log/wall_clock.h"

namespace penstock {
Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  std::unique_ptr<EventLoop> loop(new EventLoop);
  if (auto done = loop->init(); !done) return tl::unexpected(done.error());
  return loop;
}

Result<void> EventLoop::init() {
  if (const int rc = uv_loop_init(&loop_); rc < 0)
    return fail(rc, std::string("event loop: ") + uv_strerror(rc));
  loop_ready_ = true;
  auto wake = make_handle<uv_async_t>(this, "event loop wake-up", [this](uv_async_t* h) {
    return uv_async_init(&loop_, h, [](uv_async_t* async) noexcept {
      if (auto* self = static_cast<EventLoop*>(async->data)) self->run_tasks();
    });
  });
  if (!wake) return tl::unexpected(wake.error());
  wake_ = std::move(*wake);

  auto prepare = make_handle<uv_prepare_t>(
      this, "event loop", [this](uv_prepare_t* h) { return uv_prepare_init(&loop_, h); });
  if (!prepare) return tl::unexpected(prepare.error());
  prepare_ = std::move(*prepare);
  auto check = make_handle<uv_check_t>(this, "event loop",
                                       [this](uv_check_t* h) { return uv_check_init(&loop_, h); });
  if (!check) return tl::unexpected(check.error());
  check_ = std::move(*check);

  // Before the poll the clock goes stale: its callbacks see the time at which they were woken.
  PENSTOCK_CHECK(uv_prepare_start(prepare_.get(), [](uv_prepare_t* h) noexcept {
                   static_cast<EventLoop*>(h->data)->end_work();
                 }) == 0);
  PENSTOCK_CHECK(uv_check_start(check_.get(), [](uv_check_t* h) noexcept {
                   auto* self = static_cast<EventLoop*>(h->data);
                   if (self->turn_end_) self->turn_end_();
                   self->end_work();  // timers of the next turn run before the next prepare
                 }) == 0);
  return {};
}

EventLoop::~EventLoop() {
  if (!loop_ready_) return;
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  turn_end_ = nullptr;
  wake_.reset();
  prepare_.reset();
  check_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  PENSTOCK_CHECK(uv_loop_close(&loop_) == 0);
}

void EventLoop::post(Task task) {
  // The wake-up is sent inside the critical section: it must not race with the handle's closing.
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  if (tasks_.size() == 1 && !closing_) uv_async_send(wake_.get());
}

void EventLoop::run_tasks() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (Task& task : tasks) task();
}

/// Whoever comes next reads the clock anew.
void EventLoop::end_work() noexcept {
  if (!std::exchange(now_known_, false) || !work_observer_) return;
  const std::int64_t length_ns = wall_clock_ns() - now_.wall_ns;
  if (length_ns >= 0)
    work_observer_(static_cast<std::uint64_t>(length_ns));  // else the clock was set
}

void EventLoop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void EventLoop::stop() noexcept { uv_stop(&loop_); }

Now EventLoop::now() noexcept {
  if (!now_known_) {
    now_.wall_ns = wall_clock_ns();
    now_.monotonic = std::chrono::milliseconds(uv_now(&loop_));
    now_known_ = true;
  }
  return now_;
}

}  // namespace penstock
