#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "protocols/core/batch.h"
#include "protocols/core/decoder.h"
#include "server/pipeline/ledger.h"

namespace penstock {

/// Where the completion of a batch is reported: the origin loop's intake. Called on a sink's thread.
struct CompletionHandler {
  virtual void on_batch_complete(BatchId id, Outcome worst) = 0;

 protected:
  ~CompletionHandler() = default;
};

/// A sealed batch on its way through all the sinks of its listener. Memory and completion are two things (DESIGN.md
/// section 3): the memory lives until the last sink drops its reference; the completion is reported once every
/// *required* sink has reported, with the worst outcome.
class SealedBatch {
 public:
  /// `required` sinks will call report() once each. `handler` may be null: nobody waits for the completion.
  SealedBatch(Batch&& batch, unsigned required, CompletionHandler* handler) noexcept;

  const Batch& batch() const noexcept { return batch_; }
  std::size_t events() const noexcept { return batch_.frames.size(); }
  void report(Outcome outcome);  ///< any thread, once a required sink

 private:
  Batch batch_;
  CompletionHandler* handler_;
  std::atomic<unsigned> pending_;
  std::atomic<Outcome> worst_{Outcome::kDelivered};
};

/// What waits in a queue: one batch on one route.
struct QueueEntry {
  std::shared_ptr<SealedBatch> batch;
  RouteLedger* route = nullptr;
  bool required = true;
};

/// A sink's queue in memory, with the gate of the routes that lead to it. Fill is charged bytes of the batches that are
/// waiting or in flight. At `max_bytes` the gate shuts, at half of it it opens again and every loop is woken; both
/// change under the queue's mutex, so no wake-up is lost. The gate itself is one atomic, read before each recv.
class SinkQueue {
 public:
  /// `on_open` is called (on the sink's thread, outside the mutex) each time the gate opens again.
  SinkQueue(std::size_t max_bytes, std::function<void()> on_open);

  bool open() const noexcept { return open_.load(std::memory_order_acquire); }

  /// Idle: nothing waits and nothing is in flight, so a small batch is worth handing on at once.
  bool idle() const noexcept { return idle_.load(std::memory_order_relaxed); }

  /// Any loop. Never fails for a blocking route: the gate was looked at before the read, overshoot is bounded by one
  /// block a loop. With `drop_when_full` and a shut gate: not taken, false, and the caller counts kQueueFull.
  bool push(QueueEntry entry, bool drop_when_full);

  /// Sink's thread: the front entry, waiting up to `wait`; empty when there is none or after finish() on an empty queue.
  /// It stays charged until done().
  std::shared_ptr<QueueEntry> pop(std::chrono::milliseconds wait);
  void done(const QueueEntry& entry);

  void finish();                       ///< no more pushes will come
  bool finished() const;               ///< finish() was called and nothing waits
  void wake();                         ///< pop returns early
  std::size_t fill_bytes() const;      ///< waiting and in flight
  std::size_t peak_bytes() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<QueueEntry> entries_;
  std::size_t max_bytes_, fill_ = 0, peak_ = 0;
  bool finished_ = false, woken_ = false;
  std::atomic<bool> open_{true}, idle_{true};
  std::function<void()> on_open_;
};

}  // namespace penstock
