#include "server/loop/next_turn.h"

#include "protocols/core/check.h"

namespace penstock {

NextTurn::NextTurn(EventLoop& loop, std::function<void()> on_turn) : on_turn_(std::move(on_turn)) {
  auto handle = make_handle<uv_idle_t>(this, "next turn",
                                       [&](uv_idle_t* h) { return uv_idle_init(loop.uv(), h); });
  PENSTOCK_CHECK(handle.has_value());  // uv_idle_init cannot fail
  handle_ = std::move(*handle);
}

void NextTurn::start() {
  const int rc = uv_idle_start(handle_.get(), [](uv_idle_t* idle) noexcept {
    if (auto* self = static_cast<NextTurn*>(idle->data)) self->on_turn_();
  });
  PENSTOCK_CHECK(rc == 0);
}

void NextTurn::stop() noexcept { uv_idle_stop(handle_.get()); }

}  // namespace penstock
