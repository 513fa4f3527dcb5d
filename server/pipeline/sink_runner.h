#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "server/pipeline/quarantine.h"
#include "server/pipeline/sink.h"
#include "server/pipeline/sink_queue.h"

namespace penstock {

/// A sink, its queue and its thread: takes one batch at a time, writes it, repeats it after a pause (100 ms, doubling
/// to 5 s) while the sink says kRetry, counts on the route's ledger, reports completions, calls Sink::tick between.
/// A sink that fails for good: the batch's frames of a required route go to the quarantine (reason undelivered).
/// Trouble is logged when it begins, every 30 s while it lasts, and when it ends.
class SinkRunner {
 public:
  SinkRunner(std::string name, std::unique_ptr<Sink> sink, std::size_t queue_max_bytes, Quarantine& quarantine,
             std::function<void()> on_open);
  ~SinkRunner();  ///< the thread must have ended

  Result<void> open();   ///< Sink::open; main thread
  void start();          ///< starts the thread

  SinkQueue& queue() noexcept { return queue_; }
  const std::string& name() const noexcept { return name_; }
  Sink& sink() noexcept { return *sink_; }

  /// Stop, any thread: no more batches will be pushed; deliver what is queued, close the sink, end.
  void finish();

  /// Stop, any thread: give up on the sink. The batch in flight is interrupted and abandoned; its undelivered frames,
  /// all that waits and all that is still pushed go to the leftover file (RouteLoss::kLeftover, Outcome::kDropped; only
  /// when that write fails kAbandoned and kFailed). The queue moves again, so gates open and frozen receive buffers can
  /// still be read through the normal path. Best-effort routes are only counted as kAbandoned.
  void divert();
  bool diverted() const noexcept { return diverted_.load(); }

  /// Waits until the thread has ended. False at `deadline`: it hangs inside Sink::write.
  bool join_until(std::chrono::steady_clock::time_point deadline);

  /// After join_until said false: takes everything from the queue on the calling thread into the leftover file, the batch
  /// in flight included (it may then appear twice). The thread is left behind; the process must _exit.
  void abandon_hung_thread();

  bool failing() const noexcept { return failing_.load(); }  ///< the last write said kRetry or kFailed

 private:
  void run();

  std::string name_;
  std::unique_ptr<Sink> sink_;
  Quarantine& quarantine_;
  SinkQueue queue_;
  std::thread thread_;
  std::atomic<bool> diverted_{false}, failing_{false};
  // further private members are the implementation's business
};

}  // namespace penstock
