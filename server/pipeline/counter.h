#pragma once

#include <atomic>
#include <cstdint>

namespace penstock {

/// A counter with one writing thread and any number of readers. Relaxed: sums are exact once the writer has stopped,
/// and never ahead of what happened.
class Counter {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace penstock
