#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

namespace penstock {

/// The fields of a batch's events, one after another: memory that grows by doubling and is used again, so that no event
/// allocates. Offsets into it stay, pointers do not.
class FieldBuffer {
 public:
  static constexpr std::size_t kFirstBytes = std::size_t{16} << 10;
  /// Offsets are 32 bits.
  static constexpr std::size_t kMaxBytes = UINT32_MAX;

  FieldBuffer() = default;
  FieldBuffer(FieldBuffer&& other) noexcept
      : memory_(std::move(other.memory_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  FieldBuffer& operator=(FieldBuffer&& other) noexcept {
    memory_ = std::move(other.memory_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  const char* data() const noexcept { return memory_.get(); }
  char* data() noexcept { return memory_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  void clear() noexcept { size_ = 0; }
  /// Takes back what lies behind `size`.
  void shrink_to(std::size_t size) noexcept { size_ = size; }

  /// Place for `bytes` more behind the end, not yet counted in size().
  char* reserve(std::size_t bytes) {
    if (bytes > capacity_ - size_) [[unlikely]]
      grow(size_ + bytes);
    return memory_.get() + size_;
  }
  void advance(std::size_t bytes) noexcept { size_ += bytes; }

  void append(const void* bytes, std::size_t count) {
    if (count == 0) return;
    std::memcpy(reserve(count), bytes, count);
    size_ += count;
  }

  /// Becomes a copy of `other`, in its own memory where that is enough, else in memory that fits.
  void assign(const FieldBuffer& other) {
    size_ = 0;
    if (other.size_ > capacity_) grow_to(other.size_);
    append(other.data(), other.size_);
  }

 private:
  void grow(std::size_t needed) { grow_to(std::max({needed, capacity_ * 2, kFirstBytes})); }
  void grow_to(std::size_t capacity);

  std::unique_ptr<char[]> memory_;  // not zeroed: first touch costs
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace penstock
