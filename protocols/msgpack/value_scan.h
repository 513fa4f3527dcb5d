#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/msgpack/token.h"

namespace penstock::msgpack {

/// What keeps bytes from being one value within the limits. Static texts.
struct ScanLimits {
  std::size_t max_bytes = 0;  ///< of the whole value
  unsigned max_depth = 1;     ///< containers in each other, 1 to kMostDepth
};

/// Finds the end of one value, however often its input is cut: goes on where it stopped, so that each byte is looked at
/// once. A container that could not fit into max_bytes even with values of one byte, and a payload that does not, end it
/// at once. Map keys must not be arrays, maps or extensions.
class ValueScan {
 public:
  static constexpr unsigned kMostDepth = 160;
  static constexpr unsigned kMostChildren = 6;

  enum class Status : std::uint8_t {
    kWhole,     ///< size() bytes
    kNeedMore,  ///< come again with the same bytes and more behind them
    kIllegal,   ///< why(), at()
    kTooLong,   ///< the same: over max_bytes
  };

  explicit ValueScan(const ScanLimits& limits) noexcept : limits_(limits) {}

  Status run(std::string_view input) noexcept;
  void restart() noexcept {
    at_ = depth_ = children_ = 0;
    began_ = false;
  }

  /// Bytes of the value, once whole.
  std::size_t size() const noexcept { return at_; }
  std::size_t at() const noexcept { return at_; }
  const char* why() const noexcept { return why_; }
  /// Where the outermost container's first values begin, as far as they were met.
  std::size_t child(unsigned i) const noexcept { return child_at_[i]; }

 private:
  struct Level {
    std::uint64_t left;  // values that are still to come
    bool is_map;
  };

  Status illegal(const char* why) noexcept {
    why_ = why;
    return Status::kIllegal;
  }
  Status take(const Token& token) noexcept;
  bool is_key() const noexcept {
    return depth_ != 0 && levels_[depth_ - 1].is_map && levels_[depth_ - 1].left % 2 == 0;
  }

  ScanLimits limits_;
  std::size_t at_ = 0;  // may lie behind the input, where a payload has not come yet
  unsigned depth_ = 0;
  unsigned children_ = 0;
  bool began_ = false;
  const char* why_ = "";
  std::array<std::size_t, kMostChildren> child_at_{};
  std::array<Level, kMostDepth> levels_;  // the first depth_ of them count
};

}  // namespace penstock::msgpack
