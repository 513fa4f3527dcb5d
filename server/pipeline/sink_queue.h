#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "server/pipeline/batch_source.h"

namespace penstock {

/// A sink's queue in memory, with the gate of the routes that lead to it. Fill is charged bytes of the batches that are
/// waiting or in flight. At `max_bytes` the gate shuts, at half of it it opens again and every loop is woken; both
/// change under the queue's mutex, so no wake-up is lost. The gate itself is one atomic, read before each recv.
///
/// Why none is lost: a loop that saw the gate shut parks the connection before it runs another task. The gate opens,
/// then on_open posts to the loop. A loop that read "shut" has therefore not run that task yet, and will find the
/// connection in its list when it does.
class SinkQueue final : public BatchSource {
 public:
  /// `on_open` is called (on the sink's thread, outside the mutex) each time the gate opens again. May be empty.
  SinkQueue(std::size_t max_bytes, std::function<void()> on_open);

  bool open() const noexcept { return open_.load(std::memory_order_acquire); }

  /// Idle: nothing waits and nothing is in flight, so a small batch is worth handing on at once.
  bool idle() const noexcept { return idle_.load(std::memory_order_relaxed); }

  /// Any loop. Never fails for a blocking route: the gate was looked at before the read, overshoot is bounded by one
  /// block and one read a loop. With `drop_when_full` and a shut gate: not taken, false; the caller counts kQueueFull.
  /// Wakes the sink's thread only when it sleeps in pop().
  bool push(QueueEntry entry, bool drop_when_full);

  std::optional<QueueEntry> pop(std::chrono::milliseconds wait) override;
  bool claim(const QueueEntry& entry) override;
  /// Opens the gate at the low mark.
  void done(const QueueEntry& entry) override;
  std::vector<QueueEntry> seize() override;
  void finish() override;
  bool finished() const override;
  void wake();                              ///< pop returns early, now or the next time
  std::size_t fill_bytes() const override;  ///< waiting and in flight
  std::size_t peak_bytes() const;
  struct Fill {
    std::size_t bytes = 0, peak_bytes = 0, batches = 0;  ///< waiting and in flight
  };
  Fill fill() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<QueueEntry> entries_;
  std::vector<QueueEntry> in_flight_;
  const std::size_t max_bytes_;
  std::size_t fill_ = 0, peak_ = 0;
  std::size_t charged_entries_ = 0;
  bool finished_ = false, woken_ = false, sleeping_ = false;
  std::atomic<bool> open_{true}, idle_{true};
  std::function<void()> on_open_;
};

}  // namespace penstock
