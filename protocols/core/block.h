#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace penstock {

/// A piece of memory that sockets are read into directly and frames point into. It is filled from the front, once; a
/// range that was handed on in a batch is never written again. Lives until the last batch on it is released.
/// `capacity` excludes kSlackBytes of readable slack behind the end (simdjson reads past its input).
class Block {
 public:
  static constexpr std::size_t kSlackBytes = 64;

  explicit Block(std::size_t capacity)
      : memory_(new char[capacity + kSlackBytes]), capacity_(capacity) {}
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  char* data() noexcept { return memory_.get(); }
  const char* data() const noexcept { return memory_.get(); }
  std::size_t capacity() const noexcept { return capacity_; }

  /// True when `p` points into the block.
  bool holds(const char* p) const noexcept {
    return reinterpret_cast<std::uintptr_t>(p) - reinterpret_cast<std::uintptr_t>(memory_.get()) <
           capacity_;
  }

 private:
  std::unique_ptr<char[]> memory_;  // not zeroed: first touch costs
  std::size_t capacity_;
};

}  // namespace penstock
