#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

#include "protocols/core/aggregate.h"
#include "server/pipeline/memory_budget.h"

namespace penstock {

/// Memory of the aggregates of all listeners together: a quarter of server.memory, of which it is also charged to the
/// whole. Any thread. Nobody waits for it: what finds no room goes on by itself.
class AggregateBudget final : public AggregateMemory {
 public:
  /// `memory` may be null.
  explicit AggregateBudget(std::size_t max_bytes, std::shared_ptr<MemoryBudget> memory = nullptr)
      : max_(max_bytes), memory_(std::move(memory)) {}

  bool try_take(std::size_t bytes) noexcept override {
    std::size_t used = used_bytes();
    do {
      if (used > max_ || bytes > max_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    if (memory_) memory_->charge(bytes);
    return true;
  }
  void take(std::size_t bytes) noexcept override {
    used_.fetch_add(bytes, std::memory_order_relaxed);
    if (memory_) memory_->charge(bytes);
  }
  void give_back(std::size_t bytes) noexcept override {
    used_.fetch_sub(bytes, std::memory_order_relaxed);
    if (memory_) memory_->give_back(bytes);
  }
  std::size_t used_bytes() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  const std::size_t max_;
  const std::shared_ptr<MemoryBudget> memory_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace penstock
