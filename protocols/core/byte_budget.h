#pragma once

#include <atomic>
#include <cstddef>

namespace penstock {

/// Bytes that several may hold together. Any thread, without locks; nobody waits for it.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t max_bytes) noexcept : max_(max_bytes) {}

  /// False: there are not so many left.
  bool try_take(std::size_t bytes) noexcept {
    std::size_t used = used_bytes();
    do {
      if (used > max_ || bytes > max_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return true;
  }
  /// For what cannot wait: may take more than there are.
  void take(std::size_t bytes) noexcept { used_.fetch_add(bytes, std::memory_order_relaxed); }
  void give_back(std::size_t bytes) noexcept { used_.fetch_sub(bytes, std::memory_order_relaxed); }

  std::size_t used_bytes() const noexcept { return used_.load(std::memory_order_relaxed); }
  /// May be another number as soon as it is known.
  std::size_t free_bytes() const noexcept {
    const std::size_t used = used_bytes();
    return used > max_ ? 0 : max_ - used;
  }

 private:
  const std::size_t max_;
  std::atomic<std::size_t> used_{0};
};

}  // namespace penstock
