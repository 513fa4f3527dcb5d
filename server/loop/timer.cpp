#include "server/loop/timer.h"

#include "protocols/core/check.h"

namespace penstock {

Timer::Timer(EventLoop& loop, std::function<void()> on_due) : on_due_(std::move(on_due)) {
  auto handle = make_handle<uv_timer_t>(this, "timer",
                                        [&](uv_timer_t* h) { return uv_timer_init(loop.uv(), h); });
  PENSTOCK_CHECK(handle.has_value());  // uv_timer_init cannot fail
  handle_ = std::move(*handle);
}

void Timer::start(std::chrono::milliseconds delay, std::chrono::milliseconds repeat) {
  const int rc = uv_timer_start(
      handle_.get(),
      [](uv_timer_t* timer) noexcept {
        if (auto* self = static_cast<Timer*>(timer->data)) self->on_due_();
      },
      static_cast<std::uint64_t>(delay.count()), static_cast<std::uint64_t>(repeat.count()));
  PENSTOCK_CHECK(rc == 0);
}

void Timer::start_once(std::chrono::milliseconds delay) {
  start(delay, std::chrono::milliseconds(0));
}
void Timer::start_every(std::chrono::milliseconds interval) { start(interval, interval); }
void Timer::stop() noexcept { uv_timer_stop(handle_.get()); }
bool Timer::running() const noexcept {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
}

}  // namespace penstock
