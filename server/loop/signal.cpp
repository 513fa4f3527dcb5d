#include "server/loop/signal.h"

#include <pthread.h>

#include <csignal>

namespace penstock {

Result<std::unique_ptr<Signals>> Signals::watch(EventLoop& loop, std::initializer_list<int> numbers,
                                                std::function<void(int)> on_signal) {
  auto signals = std::make_unique<Signals>();
  signals->on_signal_ = std::move(on_signal);
  for (const int number : numbers) {
    auto handle = make_handle<uv_signal_t>(
        signals.get(), "signal", [&](uv_signal_t* h) { return uv_signal_init(loop.uv(), h); });
    if (!handle) return tl::unexpected(handle.error());
    const int rc = uv_signal_start(
        handle->get(),
        [](uv_signal_t* h, int caught) noexcept {
          if (auto* self = static_cast<Signals*>(h->data)) self->on_signal_(caught);
        },
        number);
    if (rc < 0) return fail(rc, "signal " + std::to_string(number) + ": " + uv_strerror(rc));
    signals->handles_.push_back(std::move(*handle));
  }
  return signals;
}

void Signals::ignore() noexcept {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);  // none comes between libuv's handler and SIG_IGN
  for (UvHandle<uv_signal_t>& handle : handles_) {
    const int number = handle.get()->signum;
    uv_signal_stop(handle.get());
    std::signal(number, SIG_IGN);
  }
}

}  // namespace penstock
