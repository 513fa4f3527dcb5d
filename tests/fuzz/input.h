#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::fuzz {

/// Takes decisions from the front of a fuzz input and leaves the rest as payload.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) noexcept
      : rest_(reinterpret_cast<const char*>(data), size) {}

  std::uint8_t byte() noexcept {
    if (rest_.empty()) return 0;
    const auto first = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }
  /// The rest of the input.
  std::string_view payload() const noexcept { return rest_; }

 private:
  std::string_view rest_;
};

/// Sizes of reads from a seed: mostly small ones, so that cuts fall everywhere.
class Cuts {
 public:
  explicit Cuts(std::uint8_t seed) noexcept : state_(seed * 2654435761u + 1) {}
  std::size_t next() noexcept {
    state_ = state_ * 1664525u + 1013904223u;
    return 1 + (state_ >> 24) % ((state_ >> 16) % 4 == 0 ? 64 : 5);
  }

 private:
  std::uint32_t state_;
};

}  // namespace penstock::fuzz
