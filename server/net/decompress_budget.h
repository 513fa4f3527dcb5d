#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "server/pipeline/memory_budget.h"

namespace penstock {

/// Memory held by the decompressors of all connections together: a quarter of server.memory, of which it is also charged
/// to the whole. Any thread.
///
/// A connection that finds no room waits unread: what it has sent stays with its sender until another one's decompressor
/// is done. Closing connections instead, as for unfinished frames, would cost data whose sender did nothing wrong.
class DecompressBudget {
 public:
  /// `on_room` as MemoryBudget has it; `memory` may be null.
  explicit DecompressBudget(std::size_t max_bytes, std::function<void()> on_room = {},
                            std::shared_ptr<MemoryBudget> memory = nullptr)
      : own_(max_bytes, std::move(on_room)), memory_(std::move(memory)) {}

  /// A decompressor that holds `from` bytes is to hold `to`. False: not now, on_room will be called.
  bool try_grow(std::size_t from, std::size_t to) noexcept {
    if (!own_.try_charge(to - from)) return false;
    if (memory_) memory_->charge(to - from);
    return true;
  }
  /// For what cannot wait: datagrams, which are here already.
  void change(std::size_t from, std::size_t to) noexcept {
    own_.change(from, to);
    if (memory_) memory_->change(from, to);
  }
  /// Whether one alone could ever hold that much.
  bool could_hold(std::size_t bytes) const noexcept { return bytes <= own_.most_bytes(); }
  std::size_t used_bytes() const noexcept { return own_.used_bytes(); }
  void disconnect() noexcept { own_.disconnect(); }

 private:
  MemoryBudget own_;
  const std::shared_ptr<MemoryBudget> memory_;
};

}  // namespace penstock
