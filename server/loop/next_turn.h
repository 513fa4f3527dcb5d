#pragma once

#include <functional>

#include "server/loop/event_loop.h"

namespace penstock {

/// Work that goes on in the loop's next turn although nothing that the poll watches will tell of it: while started,
/// the poll does not wait, and `on_turn` is called once a turn, before it. One loop's, on its thread only.
class NextTurn {
 public:
  NextTurn(EventLoop& loop, std::function<void()> on_turn);

  void start();
  void stop() noexcept;

 private:
  std::function<void()> on_turn_;
  UvHandle<uv_idle_t> handle_;
};

}  // namespace penstock
