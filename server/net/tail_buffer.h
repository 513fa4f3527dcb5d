#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "server/pipeline/memory_budget.h"

namespace penstock {

/// Memory held by unfinished frames, of all connections together: a quarter of server.memory (DESIGN.md section 5), of
/// which it is also charged to the whole. Any loop. Each loop charges it through an account of its own.
class PartialBudget {
 public:
  /// To be added to `max_bytes` so that one frame of max_bytes passes while it is alone: its buffer also holds its
  /// delimiter and what was read with its end.
  static constexpr std::size_t kReadAheadBytes = std::size_t{512} << 10;

  /// `memory` may be null.
  explicit PartialBudget(std::size_t max_bytes, std::shared_ptr<MemoryBudget> memory = nullptr)
      : memory_(std::move(memory)), max_(max_bytes) {}

  void change(std::size_t from, std::size_t to) noexcept {
    used_.fetch_add(to - from, std::memory_order_relaxed);
    if (memory_) memory_->change(from, to);
  }
  bool exceeded() const noexcept { return used_bytes() > max_; }
  std::size_t used_bytes() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  friend class PartialAccount;
  const std::shared_ptr<MemoryBudget> memory_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> accounts_{0};
  std::size_t max_;
};

/// One loop's part of the budget; own loop only. When the budget is exceeded it is up to the loops that hold an equal
/// share or more to close a connection (there is always one), so that hoarders on one loop do not cost the peers on
/// another theirs. Outlives the loop's TailBuffers.
class PartialAccount {
 public:
  explicit PartialAccount(PartialBudget& budget) noexcept : budget_(budget) { ++budget_.accounts_; }
  ~PartialAccount() { --budget_.accounts_; }
  PartialAccount(const PartialAccount&) = delete;
  PartialAccount& operator=(const PartialAccount&) = delete;

  void change(std::size_t from, std::size_t to) noexcept {
    used_ += to - from;
    budget_.change(from, to);
  }
  bool must_close_one() const noexcept {
    return budget_.exceeded() && used_ >= budget_.max_ / budget_.accounts_;
  }

 private:
  PartialBudget& budget_;
  std::size_t used_ = 0;
};

/// The bytes of a connection's unfinished frame, between two reads. Holds no memory while empty; charges its capacity,
/// which is at most kMaxSpareBytes ahead of its size, so that a long frame costs little more than its bytes.
class TailBuffer {
 public:
  static constexpr std::size_t kMaxSpareBytes = std::size_t{256} << 10;

  explicit TailBuffer(PartialAccount& account) noexcept : account_(account) {}
  ~TailBuffer() { resize_memory(0); }
  TailBuffer(const TailBuffer&) = delete;
  TailBuffer& operator=(const TailBuffer&) = delete;

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {memory_.get(), size_}; }

  /// Replaces the content; `bytes` lie elsewhere. Memory that is far too large for them is given back.
  void assign(std::string_view bytes) {
    size_ = 0;
    if (bytes.empty()) return resize_memory(0);
    const std::size_t wanted = rounded(bytes.size());
    if (wanted > capacity_ || capacity_ > wanted * kSlackFactor) resize_memory(wanted);
    std::memcpy(memory_.get(), bytes.data(), bytes.size());
    size_ = bytes.size();
  }

  /// Free space behind the content, at least `at_least` bytes. The capacity doubles up to a spare of kMaxSpareBytes:
  /// memory of that size is mapped, and growing it moves pages, not bytes.
  std::span<char> space(std::size_t at_least) {
    if (capacity_ - size_ < at_least)
      resize_memory(rounded(size_ + std::max(at_least, std::min(capacity_, kMaxSpareBytes))));
    return {memory_.get() + size_, capacity_ - size_};
  }
  void grow(std::size_t written) noexcept { size_ += written; }

  /// Drops `n` bytes from the front; the rest moves there. Memory that is far too large for it is given back.
  void drop_front(std::size_t n) {
    size_ -= n;
    if (size_ == 0) return resize_memory(0);
    std::memmove(memory_.get(), memory_.get() + n, size_);
    if (capacity_ > rounded(size_) * kSlackFactor) resize_memory(rounded(size_));
  }
  void clear() noexcept {
    size_ = 0;
    resize_memory(0);
  }

 private:
  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  static constexpr std::size_t kGrainBytes = 64;
  static constexpr std::size_t kSlackFactor = 16;
  static std::size_t rounded(std::size_t n) noexcept {
    return (n + kGrainBytes - 1) / kGrainBytes * kGrainBytes;
  }

  void resize_memory(std::size_t capacity) {
    if (capacity == capacity_) return;
    if (capacity == 0) {
      memory_.reset();
    } else {
      void* moved = std::realloc(memory_.get(), capacity);
      if (moved == nullptr) std::abort();
      (void)memory_.release();
      memory_.reset(static_cast<char*>(moved));
    }
    account_.change(capacity_, capacity);
    capacity_ = capacity;
  }

  PartialAccount& account_;
  std::unique_ptr<char, Free> memory_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock
