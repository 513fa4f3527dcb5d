#pragma once

#include <semaphore.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "server/pipeline/sealed_batch.h"

namespace penstock {

/// Wakes the one thread that looks at tapped batches. Any thread rings; that costs a system call at most and never waits.
class TapBell {
 public:
  TapBell() noexcept { ::sem_init(&rung_, 0, 0); }
  ~TapBell() { ::sem_destroy(&rung_); }
  TapBell(const TapBell&) = delete;
  TapBell& operator=(const TapBell&) = delete;

  void ring() noexcept;
  /// Until it was rung since the last call: true, or `until`: false. One thread.
  bool wait(std::chrono::steady_clock::time_point until) noexcept;

 private:
  sem_t rung_;
  std::atomic<bool> pending_{false};  // rung, and not yet heard
};

/// Where a listener's sealed batches can be looked at on their way to the sinks: a mailbox of two. The data path looks
/// at one flag a batch; where somebody taps it adds a reference, and goes on without where that would have to wait. So
/// what is seen is a sample; what is not is counted.
///
/// A batch in the mailbox keeps its memory: whoever opened the point takes it at once when the bell rings.
class TapPoint {
 public:
  static constexpr std::size_t kMaxWaiting = 2;

  explicit TapPoint(std::string listener) : listener_(std::move(listener)) {}
  TapPoint(const TapPoint&) = delete;
  TapPoint& operator=(const TapPoint&) = delete;

  const std::string& listener() const noexcept { return listener_; }

  /// Any loop, for each batch that it seals.
  void offer(const std::shared_ptr<SealedBatch>& batch) noexcept {
    if (tapped_.load(std::memory_order_relaxed)) put(batch);
  }

  // Any thread but the loops.
  /// From now on batches are kept, and `bell` is rung for each. Harmless when repeated with the same bell, which lives
  /// until close().
  void open(TapBell& bell);
  void close();  ///< what waits is let go

  struct Taken {
    std::array<std::shared_ptr<const SealedBatch>, kMaxWaiting> batches;  ///< null behind the last
    std::uint64_t unseen = 0;  ///< records of batches that were not kept, since the last call
  };
  Taken take();

 private:
  void put(const std::shared_ptr<SealedBatch>& batch) noexcept;

  const std::string listener_;
  std::atomic<bool> tapped_{false};
  std::atomic<std::uint64_t> unseen_{0};
  std::mutex mutex_;  // guards what follows; the loops try it for a moment and never sleep on it
  TapBell* bell_ = nullptr;
  std::array<std::shared_ptr<const SealedBatch>, kMaxWaiting> waiting_;
  std::atomic<std::size_t> count_{0};  // changed under the mutex
};

}  // namespace penstock
