#pragma once

#include <cstddef>
#include <memory>

#include "protocols/core/block.h"

namespace penstock {

/// Gives out blocks and takes them back when their last user lets go. Keeps a few MiB of returned blocks for reuse, so
/// that full speed touches no fresh page (a page fault costs more than framing the page). Any thread. Blocks may
/// outlive the pool: their deleter holds what it needs.
class BlockPool {
 public:
  static constexpr std::size_t kMinBlockBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMaxBlockBytes = std::size_t{1}
                                                << 20;  ///< larger ones only for larger frames

  /// `keep_bytes`: how much may lie idle for reuse.
  explicit BlockPool(std::size_t keep_bytes = std::size_t{4} << 20);

  /// A block of at least `capacity` bytes: rounded up to a power of two from kMinBlockBytes to kMaxBlockBytes, above
  /// that to a multiple of kMinBlockBytes (such blocks are not kept for reuse). Never fails.
  std::shared_ptr<Block> take(std::size_t capacity);

  std::size_t used_bytes() const noexcept;  ///< capacity of blocks that are out
  std::size_t peak_bytes() const noexcept;  ///< highest used_bytes so far
  std::size_t idle_bytes() const noexcept;  ///< capacity of blocks kept for reuse
  void trim() noexcept;                     ///< frees what lies idle

 private:
  struct Shared;
  struct GiveBack;
  std::shared_ptr<Shared> shared_;
};

}  // namespace penstock
