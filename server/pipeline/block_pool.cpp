#include "server/pipeline/block_pool.h"

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <utility>
#include <vector>

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

}  // namespace

struct BlockPool::Shared {
  explicit Shared(std::size_t keep) : keep_bytes(keep) {}

  std::unique_ptr<Block> reuse(std::size_t capacity) noexcept;
  void give_back(std::unique_ptr<Block> block) noexcept;
  void make_place(std::size_t capacity, IdleBlocks& evicted) noexcept;

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
  const std::lock_guard lock(mutex);
  used_bytes += capacity;
  peak_bytes = std::max(peak_bytes, used_bytes);
  if (capacity > kMaxBlockBytes) return nullptr;
  IdleBlocks& blocks = idle[size_class(capacity)];
  if (blocks.empty()) return nullptr;
  std::unique_ptr<Block> block = std::move(blocks.back());
  blocks.pop_back();
  idle_bytes -= capacity;
  return block;
}

void BlockPool::Shared::give_back(std::unique_ptr<Block> block) noexcept {
  IdleBlocks evicted;  // freed behind the lock
  const std::lock_guard lock(mutex);
  const std::size_t capacity = block->capacity();
  used_bytes -= capacity;
  if (capacity <= kMaxBlockBytes) make_place(capacity, evicted);
  if (capacity > kMaxBlockBytes || idle_bytes + capacity > keep_bytes) {
    evicted.push_back(std::move(block));
    return;
  }
  idle[size_class(capacity)].push_back(std::move(block));
  idle_bytes += capacity;
}

/// Sizes that are no longer in use make way for the one that is, the smallest first.
void BlockPool::Shared::make_place(std::size_t capacity, IdleBlocks& evicted) noexcept {
  for (std::size_t at = 0; at < kClasses && idle_bytes + capacity > keep_bytes; ++at) {
    if (at == size_class(capacity)) continue;
    while (!idle[at].empty() && idle_bytes + capacity > keep_bytes) {
      idle_bytes -= idle[at].back()->capacity();
      evicted.push_back(std::move(idle[at].back()));
      idle[at].pop_back();
    }
  }
}

BlockPool::BlockPool(std::size_t keep_bytes) : shared_(std::make_shared<Shared>(keep_bytes)) {}

std::shared_ptr<Block> BlockPool::take(std::size_t capacity) {
  const std::size_t size = rounded(capacity);
  std::unique_ptr<Block> block = shared_->reuse(size);
  if (!block) block = std::make_unique<Block>(size);
  return {block.release(), GiveBack{shared_}};
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

}  // namespace penstock
