#pragma once

#include <atomic>
#include <cstddef>

#include "protocols/core/aggregate.h"

namespace penstock::test {

/// So much and no more, except for what cannot wait.
class LimitedMemory final : public AggregateMemory {
 public:
  explicit LimitedMemory(std::size_t most) : most_(most) {}

  bool try_take(std::size_t bytes) noexcept override {
    if (used_ + bytes > most_) return false;
    used_ += bytes;
    return true;
  }
  void take(std::size_t bytes) noexcept override { used_ += bytes; }
  void give_back(std::size_t bytes) noexcept override { used_ -= bytes; }
  std::size_t used() const noexcept { return used_; }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace penstock::test
