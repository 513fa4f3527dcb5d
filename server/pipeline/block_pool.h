#pragma once

#include <cstddef>
#include <memory>

#include "protocols/core/block.h"
#include "server/pipeline/memory_budget.h"

namespace penstock {

class IndexStore;

/// Gives out blocks and takes them back when their last user lets go. Keeps returned blocks, a queue full, for reuse, so
/// that full speed touches no fresh page (a page fault costs more than framing the page). What is out is charged to the
/// budget; what lies idle, at most a sixteenth of it, makes way when there is no room for both. Any thread. Blocks may
/// outlive the pool: their deleter holds what it needs.
class BlockPool {
 public:
  static constexpr std::size_t kMinBlockBytes = std::size_t{64} << 10;
  static constexpr std::size_t kMaxBlockBytes = std::size_t{1}
                                                << 20;  ///< larger ones only for larger frames
  static constexpr std::size_t kKeepBytes = std::size_t{16} << 20;

  /// `keep_bytes`: how much may lie idle for reuse.
  explicit BlockPool(std::size_t keep_bytes = kKeepBytes,
                     std::shared_ptr<MemoryBudget> budget = std::make_shared<MemoryBudget>());

  /// A block of at least `capacity` bytes: rounded up to a power of two from kMinBlockBytes to kMaxBlockBytes, above
  /// that to a multiple of kMinBlockBytes (such blocks are not kept for reuse). Never fails.
  std::shared_ptr<Block> take(std::size_t capacity);
  /// The same within the budget: null when that has no room, and its on_room will be called.
  std::shared_ptr<Block> try_take(std::size_t capacity);
  /// A block that fits `capacity` to 512 bytes, for a copy; not kept for reuse. Never fails.
  std::shared_ptr<Block> take_fitting(std::size_t capacity);

  MemoryBudget& budget() noexcept { return *budget_; }
  /// Index memory for reuse, of all intakes together.
  const std::shared_ptr<IndexStore>& indexes() const noexcept { return indexes_; }

  std::size_t used_bytes() const noexcept;  ///< capacity of blocks that are out
  std::size_t peak_bytes() const noexcept;  ///< highest used_bytes so far
  std::size_t idle_bytes() const noexcept;  ///< capacity of blocks kept for reuse
  void trim() noexcept;                     ///< frees what lies idle
  /// Once no block is out: gives what was kept, and the allocator's free memory, back to the system.
  void trim_when_quiet() noexcept;

 private:
  struct Shared;
  struct GiveBack;
  std::shared_ptr<Block> wrap(std::unique_ptr<Block> block, std::size_t capacity);

  std::shared_ptr<MemoryBudget> budget_;
  std::shared_ptr<Shared> shared_;
  std::shared_ptr<IndexStore> indexes_;
};

}  // namespace penstock
