#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/decoder.h"
#include "server/pipeline/memory_budget.h"

namespace penstock {

/// Where the completion of a batch is reported: the origin loop's intake. Called on a sink's thread.
struct CompletionHandler {
  virtual ~CompletionHandler() = default;
  virtual void on_batch_complete(BatchId id, Outcome worst) = 0;
};

/// Keeps the index vectors of released batches for the next ones (some 40 KiB a MiB of records), so that full speed
/// neither allocates nor touches fresh pages for them. Batches come back on sinks' threads. The index of a batch on its
/// way is charged to the budget; what lies idle is not, it is bounded by `keep_bytes`.
class IndexStore {
 public:
  static constexpr std::size_t kMinFrames = 512;  ///< smaller ones are not worth keeping

  IndexStore(std::shared_ptr<MemoryBudget> budget, std::size_t keep_bytes)
      : budget_(std::move(budget)), keep_bytes_(keep_bytes) {}

  MemoryBudget& budget() noexcept { return *budget_; }
  /// Replaces the index of `batch`, which has been moved from, by an empty one: the largest that lies idle.
  void take(Batch& batch);
  /// Gives `to`, which has none, a copy of the index of `from`: in memory that lies idle and is at most twice as large
  /// as needed, else in new memory that fits.
  void copy(const Batch& from, Batch& to);
  /// The index of a batch that nobody holds any more.
  void give_back(Batch& batch) noexcept;
  void trim() noexcept;  ///< frees what lies idle
  std::size_t idle_bytes() const noexcept;

 private:
  struct Index {
    std::vector<FrameRef> frames;
    std::vector<Segment> segments;
    EventIndex events;
    std::size_t bytes = 0;
  };
  using Idle = std::vector<Index>;
  /// Takes one out, under the lock.
  Index remove(Idle::iterator at) noexcept;

  const std::shared_ptr<MemoryBudget> budget_;
  const std::size_t keep_bytes_;
  mutable std::mutex mutex_;
  Idle idle_;
  std::size_t idle_bytes_ = 0;
};

/// Memory that the index of `batch` holds, its events included.
std::size_t index_bytes(const Batch& batch) noexcept;

/// A sealed batch on its way through all the sinks of its listener. Memory and completion are two things (DESIGN.md
/// section 3): the memory lives until the last sink drops its reference; the completion is reported once every
/// *required* sink has reported, with the worst outcome.
class SealedBatch {
 public:
  /// `required` sinks will call report() once each. `handler` may be null: nobody waits for the completion. `store`
  /// gets the index back and its budget is charged with it; may be null.
  SealedBatch(Batch&& batch, unsigned required, std::shared_ptr<CompletionHandler> handler,
              std::shared_ptr<IndexStore> store = nullptr) noexcept;
  ~SealedBatch();
  SealedBatch(const SealedBatch&) = delete;
  SealedBatch& operator=(const SealedBatch&) = delete;

  const Batch& batch() const noexcept { return batch_; }
  std::size_t events() const noexcept { return batch_.frames.size(); }
  void report(Outcome outcome);  ///< any thread, once a required sink

 private:
  Batch batch_;
  std::shared_ptr<CompletionHandler> handler_;
  std::shared_ptr<IndexStore> store_;
  std::size_t charged_bytes_ = 0;  // for the index, while it lives
  std::atomic<unsigned> pending_;
  std::atomic<Outcome> worst_{Outcome::kDelivered};
};

}  // namespace penstock
