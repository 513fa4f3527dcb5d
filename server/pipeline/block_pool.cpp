#include "server/pipeline/block_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <utility>
#include <vector>

#include "server/pipeline/heap.h"
#include "server/pipeline/sealed_batch.h"

namespace penstock {
namespace {

using IdleBlocks = std::vector<std::unique_ptr<Block>>;

std::size_t size_class(std::size_t capacity) noexcept {
  return static_cast<std::size_t>(std::countr_zero(capacity / BlockPool::kMinBlockBytes));
}
constexpr std::size_t kClasses = static_cast<std::size_t>(std::countr_zero(
                                     BlockPool::kMaxBlockBytes / BlockPool::kMinBlockBytes)) +
                                 1;

std::size_t rounded(std::size_t capacity) noexcept {
  if (capacity <= BlockPool::kMaxBlockBytes)
    return std::bit_ceil(std::max(capacity, BlockPool::kMinBlockBytes));
  return (capacity + BlockPool::kMinBlockBytes - 1) / BlockPool::kMinBlockBytes *
         BlockPool::kMinBlockBytes;
}

bool has_class(std::size_t capacity) noexcept {
  return capacity >= BlockPool::kMinBlockBytes && capacity <= BlockPool::kMaxBlockBytes &&
         std::has_single_bit(capacity);
}

constexpr std::size_t kKeepShare = 16;       // of the budget
constexpr std::size_t kIndexKeepShare = 32;  // of the budget
constexpr std::size_t kFittingGrain = 512;

}  // namespace

struct BlockPool::Shared {
  Shared(std::size_t keep, std::shared_ptr<MemoryBudget> the_budget)
      : budget(std::move(the_budget)),
        keep_bytes(std::min(keep, budget->max_bytes() / kKeepShare)) {}

  std::unique_ptr<Block> reuse(std::size_t capacity) noexcept;
  std::unique_ptr<Block> count_out(std::size_t capacity) noexcept;
  void give_back(std::unique_ptr<Block> block) noexcept;
  void evict(std::size_t most_idle, std::size_t but_not, IdleBlocks& evicted) noexcept;

  const std::shared_ptr<MemoryBudget> budget;
  std::mutex mutex;
  std::array<IdleBlocks, kClasses> idle;
  const std::size_t keep_bytes;
  std::size_t idle_bytes = 0, used_bytes = 0, peak_bytes = 0;
};

/// Holds the pool's state alive, so that the last block may come back after the pool has gone.
struct BlockPool::GiveBack {
  std::shared_ptr<Shared> shared;
  void operator()(Block* block) const noexcept { shared->give_back(std::unique_ptr<Block>(block)); }
};

/// The block returned last comes first: its bytes are the likeliest to be in a cache.
std::unique_ptr<Block> BlockPool::Shared::reuse(std::size_t capacity) noexcept {
  if (!has_class(capacity)) return nullptr;
  IdleBlocks& blocks = idle[size_class(capacity)];
  if (blocks.empty()) return nullptr;
  std::unique_ptr<Block> block = std::move(blocks.back());
  blocks.pop_back();
  idle_bytes -= capacity;
  return block;
}

/// Of a block that is charged already. Null: it is to be made, and what lies idle has made way for it.
std::unique_ptr<Block> BlockPool::Shared::count_out(std::size_t capacity) noexcept {
  IdleBlocks evicted;  // freed behind the lock
  const std::lock_guard lock(mutex);
  used_bytes += capacity;
  peak_bytes = std::max(peak_bytes, used_bytes);
  if (auto block = reuse(capacity)) return block;
  const std::size_t charged = budget->used_bytes(), most = budget->max_bytes();
  evict(charged < most ? most - charged : 0, kClasses, evicted);
  return nullptr;
}

void BlockPool::Shared::give_back(std::unique_ptr<Block> block) noexcept {
  IdleBlocks evicted;
  const std::size_t capacity = block->capacity();
  {
    const std::lock_guard lock(mutex);
    used_bytes -= capacity;
    if (has_class(capacity) && capacity <= keep_bytes) {
      evict(keep_bytes - capacity, size_class(capacity), evicted);
      if (idle_bytes + capacity <= keep_bytes) {
        idle[size_class(capacity)].push_back(std::move(block));
        idle_bytes += capacity;
      }
    }
  }
  evicted.clear();
  block.reset();
  budget->give_back(capacity);  // wakes those who wait, so the memory is free by now
}

/// Until no more than `most_idle` bytes lie idle. Sizes that are no longer in use make way for the one that is
/// (`but_not`, a class, or none), the smallest first.
void BlockPool::Shared::evict(std::size_t most_idle, std::size_t but_not,
                              IdleBlocks& evicted) noexcept {
  for (std::size_t at = 0; at < kClasses && idle_bytes > most_idle; ++at) {
    if (at == but_not) continue;
    while (!idle[at].empty() && idle_bytes > most_idle) {
      idle_bytes -= idle[at].back()->capacity();
      evicted.push_back(std::move(idle[at].back()));
      idle[at].pop_back();
    }
  }
}

BlockPool::BlockPool(std::size_t keep_bytes, std::shared_ptr<MemoryBudget> budget)
    : budget_(std::move(budget)),
      shared_(std::make_shared<Shared>(keep_bytes, budget_)),
      indexes_(std::make_shared<IndexStore>(
          budget_, std::min(kKeepBytes, budget_->max_bytes() / kIndexKeepShare))) {}

std::shared_ptr<Block> BlockPool::wrap(std::unique_ptr<Block> block, std::size_t capacity) {
  if (!block) block = std::make_unique<Block>(capacity);
  return {block.release(), GiveBack{shared_}};
}

std::shared_ptr<Block> BlockPool::take(std::size_t capacity) {
  const std::size_t size = rounded(capacity);
  budget_->charge(size);
  return wrap(shared_->count_out(size), size);
}

std::shared_ptr<Block> BlockPool::try_take(std::size_t capacity) {
  const std::size_t size = rounded(capacity);
  if (!budget_->try_charge(size)) return nullptr;
  return wrap(shared_->count_out(size), size);
}

std::shared_ptr<Block> BlockPool::take_fitting(std::size_t capacity) {
  const std::size_t size = (capacity + kFittingGrain - 1) / kFittingGrain * kFittingGrain;
  budget_->charge(size);
  return wrap(shared_->count_out(size), size);
}

std::size_t BlockPool::used_bytes() const noexcept {
  const std::lock_guard lock(shared_->mutex);
  return shared_->used_bytes;
}

std::size_t BlockPool::peak_bytes() const noexcept {
  const std::lock_guard lock(shared_->mutex);
  return shared_->peak_bytes;
}

std::size_t BlockPool::idle_bytes() const noexcept {
  const std::lock_guard lock(shared_->mutex);
  return shared_->idle_bytes;
}

void BlockPool::trim() noexcept {
  std::array<IdleBlocks, kClasses> freed;
  const std::lock_guard lock(shared_->mutex);
  freed.swap(shared_->idle);
  shared_->idle_bytes = 0;
}

void BlockPool::trim_when_quiet() noexcept {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->used_bytes != 0 || (shared_->idle_bytes == 0 && indexes_->idle_bytes() == 0))
      return;
  }
  trim();
  indexes_->trim();
  trim_heap();
}

}  // namespace penstock
