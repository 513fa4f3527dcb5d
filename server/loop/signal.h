#pragma once

#include <functional>
#include <initializer_list>
#include <vector>

#include "server/loop/event_loop.h"

namespace penstock {

/// Brings signals of the process to one loop, as ordinary callbacks on its thread. The destructor gives them back.
class Signals {
 public:
  /// `on_signal` gets the signal's number.
  static Result<std::unique_ptr<Signals>> watch(EventLoop& loop, std::initializer_list<int> numbers,
                                                std::function<void(int)> on_signal);
  /// The process ends: from here on they change nothing, where their default action would turn its exit status into "ended
  /// by a signal". Signals that come to other threads must be blocked there. The loop's thread.
  void ignore() noexcept;

 private:
  std::function<void(int)> on_signal_;
  std::vector<UvHandle<uv_signal_t>> handles_;
};

}  // namespace penstock
