#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "protocols/core/aggregate.h"
#include "protocols/core/byte_budget.h"
#include "server/pipeline/memory_budget.h"

namespace penstock {

/// Memory of the aggregates of all listeners together: a quarter of server.memory, of which it is also charged to the
/// whole. Any thread. Nobody waits for it: what finds no room goes on by itself.
class AggregateBudget final : public AggregateMemory {
 public:
  /// `memory` may be null.
  explicit AggregateBudget(std::size_t max_bytes, std::shared_ptr<MemoryBudget> memory = nullptr)
      : own_(max_bytes), memory_(std::move(memory)) {}

  bool try_take(std::size_t bytes) noexcept override {
    if (!own_.try_take(bytes)) return false;
    if (memory_) memory_->charge(bytes);
    return true;
  }
  void take(std::size_t bytes) noexcept override {
    own_.take(bytes);
    if (memory_) memory_->charge(bytes);
  }
  void give_back(std::size_t bytes) noexcept override {
    own_.give_back(bytes);
    if (memory_) memory_->give_back(bytes);
  }
  std::size_t used_bytes() const noexcept { return own_.used_bytes(); }

 private:
  ByteBudget own_;
  const std::shared_ptr<MemoryBudget> memory_;
};

}  // namespace penstock
