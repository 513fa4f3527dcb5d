#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/log/log.h"
#include "server/pipeline/batch_source.h"
#include "server/pipeline/leftover.h"
#include "server/pipeline/quarantine.h"
#include "server/pipeline/sink.h"

namespace penstock {

/// A sink, its queue and its thread: takes a batch, or as many as the sink's window holds, writes them, repeats what the
/// sink says kRetry of after a pause (100 ms, doubling to 5 s; nothing new is taken before), counts on the route's
/// ledger, reports completions, calls Sink::tick between.
/// A sink that fails for good: the batch's frames of a required route go to the quarantine (reason undelivered).
/// Trouble is logged when it begins, every 30 s while it lasts, and when it ends.
class SinkRunner {
 public:
  /// What it means that the sink has written a batch.
  enum class Role {
    kDelivers,  ///< the batch is delivered
    kKeeps,     ///< it is in a queue on disk, from which another runner delivers it
  };

  static constexpr std::chrono::milliseconds kTickInterval{100};
  /// How long poll() may wait while the sink has room for another batch, which nothing announces to it.
  static constexpr std::chrono::milliseconds kPollInterval{5};
  static constexpr std::chrono::milliseconds kFirstPause{100};
  static constexpr std::chrono::milliseconds kLongestPause{5000};
  static constexpr std::chrono::seconds kReminder{30};

  /// `name` is the sink's; `source`, `quarantine` and `leftover` outlive the runner.
  SinkRunner(std::string name, std::unique_ptr<Sink> sink, BatchSource& source,
             Quarantine& quarantine, Leftover& leftover, Role role = Role::kDelivers);
  ~SinkRunner();  ///< the thread must have ended and been joined

  Result<void> open();  ///< Sink::open; main thread
  /// Sink::undo_open, when the start fails before start(): last opened first, the quarantine after all sinks, since each
  /// may have made the directories in which the next one made its own. Harmless where open() was not called.
  void undo_open() noexcept;
  void start();  ///< starts the thread, named `sink NAME` or `queue NAME`, with all signals blocked

  const std::string& name() const noexcept { return name_; }
  Sink& sink() noexcept { return *sink_; }

  /// Stop, any thread: no more batches will be pushed; deliver what is queued, close the sink, end. A pause between two
  /// attempts ends at once.
  void finish();

  /// Stop, any thread: give up on the sink. What is in flight is interrupted and abandoned; its undelivered frames,
  /// all that waits and all that is still pushed are left over (RouteLoss::kLeftover, Outcome::kDropped; only when they
  /// cannot be written there kAbandoned and kFailed). The queue moves again, so gates open and frozen receive buffers can
  /// still be read through the normal path. Best-effort routes are only counted as kAbandoned. What its source keeps stays there. The thread goes on until finish() as well, then closes the sink.
  void divert();
  bool diverted() const noexcept { return diverted_.load(); }

  /// Any thread: a pause between two attempts ends, what stood in the way has gone.
  void retry_soon() { order(); }

  /// Waits until the thread has ended, and joins it. False at `deadline`: it hangs inside the sink. True when it was
  /// never started.
  bool join_until(std::chrono::steady_clock::time_point deadline);

  /// After join_until said false: takes everything from the queue on the calling thread into what is left over, what is in
  /// flight included (it may then appear twice). The thread is left behind; the process must _exit. May be repeated
  /// for what was pushed later.
  void abandon_hung_thread();

  bool failing() const noexcept {
    return failing_.load();
  }                             ///< the last write said kRetry or kFailed
  std::string trouble() const;  ///< what the sink said then
  /// Records of which something has become; grows while the sink moves.
  std::uint64_t settled() const noexcept { return settled_.load(std::memory_order_relaxed); }
  bool close_failed() const noexcept {
    return close_failed_.load();
  }  ///< Sink::close said so: data may be lost

 private:
  using Clock = std::chrono::steady_clock;

  enum class Ending { kDelivered, kDropped, kFailed, kLeftOver };
  struct InFlight {
    QueueEntry entry;
    bool pending = false;  // else it is to be written again
  };

  void run();
  void take();
  void write_again();
  void collect();
  void give_up();
  std::size_t to_write_again() const noexcept;
  /// What write() or poll() said of `at`; gives the one behind it.
  std::deque<InFlight>::iterator proceed(std::deque<InFlight>::iterator at, WriteStatus status);
  static Ending ending_of(WriteStatus status) noexcept;
  void note(WriteStatus status);
  void settle(const QueueEntry& entry, Ending ending, const std::vector<FrameRange>& undelivered);
  bool pause_until(Clock::time_point end);
  void tick_when_due();
  void close_sink();
  void note_trouble(WriteStatus status);
  void note_recovery();
  void order();

  const std::string name_;
  const std::unique_ptr<Sink> sink_;
  Quarantine& quarantine_;
  Leftover& leftover_;
  BatchSource& source_;
  const Role role_;
  std::atomic<std::uint64_t> settled_{0};
  std::thread thread_;
  std::atomic<bool> diverted_{false}, failing_{false}, close_failed_{false};

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  unsigned orders_ = 0, orders_seen_ = 0;  // finish() and divert(): each ends a pause
  bool ended_ = false;
  std::string trouble_;

  // The sink's thread only.
  std::deque<InFlight> in_flight_;  // in the order in which they were taken
  std::chrono::milliseconds pause_{kFirstPause};
  Clock::time_point again_at_;  // when what is to be written again is
  Clock::time_point last_tick_, trouble_since_, last_reminder_;
  bool trouble_announced_ = false;
  log::RateLimit trouble_limit_;  // of troubles that come and go
};

}  // namespace penstock
