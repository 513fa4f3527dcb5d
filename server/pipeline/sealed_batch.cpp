#include "server/pipeline/sealed_batch.h"

#include <algorithm>
#include <utility>

#include "protocols/core/check.h"

namespace penstock {
namespace {

std::size_t used_index_bytes(const Batch& batch) noexcept {
  return batch.frames.size() * sizeof(FrameRef) + batch.segments.size() * sizeof(Segment) +
         batch.events.fields.size() + batch.events.offsets.size() * sizeof(std::uint32_t);
}

}  // namespace

std::size_t index_bytes(const Batch& batch) noexcept {
  return batch.frames.capacity() * sizeof(FrameRef) + batch.segments.capacity() * sizeof(Segment) +
         batch.events.bytes();
}

IndexStore::Index IndexStore::remove(Idle::iterator at) noexcept {
  Index index = std::move(*at);
  idle_.erase(at);
  idle_bytes_ -= index.bytes;
  return index;
}

void IndexStore::take(Batch& batch) {
  Index index;
  {
    const std::lock_guard lock(mutex_);
    const auto largest =
        std::max_element(idle_.begin(), idle_.end(),
                         [](const Index& a, const Index& b) { return a.bytes < b.bytes; });
    if (largest != idle_.end()) index = remove(largest);
  }
  batch.frames = std::move(index.frames);
  batch.segments = std::move(index.segments);
  batch.events = std::move(index.events);
}

void IndexStore::copy(const Batch& from, Batch& to) {
  Index index;
  {
    const std::lock_guard lock(mutex_);
    const std::size_t most = 2 * used_index_bytes(from);
    const auto fitting = std::find_if(idle_.begin(), idle_.end(), [&](const Index& idle) {
      return idle.bytes <= most && idle.frames.capacity() >= from.frames.size() &&
             idle.events.fields.capacity() >= from.events.fields.size();
    });
    if (fitting != idle_.end()) index = remove(fitting);
  }
  index.frames.assign(from.frames.begin(), from.frames.end());
  index.segments.assign(from.segments.begin(), from.segments.end());
  index.events.fields.assign(from.events.fields);
  index.events.offsets.assign(from.events.offsets.begin(), from.events.offsets.end());
  to.frames = std::move(index.frames);
  to.segments = std::move(index.segments);
  to.events = std::move(index.events);
}

void IndexStore::give_back(Batch& batch) noexcept {
  if (batch.frames.capacity() < kMinFrames) return;
  const std::size_t bytes = index_bytes(batch);
  batch.frames.clear();
  batch.segments.clear();
  batch.events.clear();
  const std::lock_guard lock(mutex_);
  if (idle_bytes_ + bytes > keep_bytes_) return;
  idle_.push_back(
      {std::move(batch.frames), std::move(batch.segments), std::move(batch.events), bytes});
  idle_bytes_ += bytes;
}

void IndexStore::trim() noexcept {
  std::vector<Index> freed;
  const std::lock_guard lock(mutex_);
  freed.swap(idle_);
  idle_bytes_ = 0;
}

std::size_t IndexStore::idle_bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  return idle_bytes_;
}

SealedBatch::SealedBatch(Batch&& batch, unsigned required,
                         std::shared_ptr<CompletionHandler> handler,
                         std::shared_ptr<IndexStore> store) noexcept
    : batch_(std::move(batch)),
      handler_(std::move(handler)),
      store_(std::move(store)),
      pending_(required) {
  if (!store_) return;
  charged_bytes_ = index_bytes(batch_) + sizeof(SealedBatch);
  store_->budget().charge(charged_bytes_);
}

SealedBatch::~SealedBatch() {
  if (!store_) return;
  store_->give_back(batch_);
  store_->budget().give_back(charged_bytes_);
}

void SealedBatch::report(Outcome outcome) {
  Outcome worst = worst_.load(std::memory_order_relaxed);
  while (outcome > worst &&
         !worst_.compare_exchange_weak(worst, outcome, std::memory_order_relaxed)) {
  }
  const unsigned before = pending_.fetch_sub(1, std::memory_order_acq_rel);
  PENSTOCK_CHECK(before != 0);  // a sink reported twice
  if (before == 1 && handler_)
    handler_->on_batch_complete(batch_.id, worst_.load(std::memory_order_relaxed));
}

}  // namespace penstock
