#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"
#include "server/pipeline/ledger.h"

namespace penstock {

/// What became of one attempt to write a batch.
enum class WriteStatus {
  kDelivered,  ///< every record is as safe as the sink's `sync` says, or on the other side
  kRetry,  ///< not all of it; call write() again with the same batch after a pause, it goes on where it stopped
  kFailed,  ///< will never succeed (a bug in the configuration that only showed now); never used for full disks
  kFull,     ///< a queue on disk has no room and when_full says that what is new is dropped
  kPending,  ///< on its way to the other side: poll() will say what became of it
};

/// `count` frames of a batch from `first` on.
struct FrameRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// Frames of a delivered batch that did not get there and never will, while the others did: they go to the quarantine.
struct Undeliverable {
  FrameRange frames;
  RouteLoss loss = RouteLoss::kUnencodable;  ///< or kRefused
  std::string answer;  ///< what the other side said of them, or what has no form; empty: nothing
};

/// What became of a batch that was pending.
struct Finished {
  const Batch* batch = nullptr;
  WriteStatus status = WriteStatus::kDelivered;  ///< not kPending
};

/// A number that a kind of sink has beside what all have, for metrics. Texts are static.
struct SinkMeasure {
  std::string_view name;  ///< as metrics have it, the same in every sink of the kind
  std::string_view help;
  bool counter = false;  ///< else a gauge
  double value = 0;
};

/// Where records leave. Lives on one thread of its own, so that a slow disk or broker never stalls an I/O loop; only
/// open() and the request_ functions are called from other threads.
///
/// Two kinds: a sink that writes (a file) takes one batch at a time and answers in write(). A sink that sends (a broker)
/// has up to window() batches pending, and answers in poll().
struct Sink {
  virtual ~Sink() = default;

  /// Creates what must exist before the first accept; on the main thread, before the sink's thread starts.
  virtual Result<void> open() = 0;

  /// The start has failed after open(), or in it, and before anything was written: removes the empty files and
  /// directories that open() created, never what existed before or holds anything. Main thread; only open() may follow.
  virtual void undo_open() noexcept {}

  /// Writes `batch`, or begins to send it. Returns within about 100 ms when interrupted (see request_interrupt), whatever
  /// the other side does. A pending batch stays alive, at its address, until poll() or abandon() has ended it.
  virtual WriteStatus write(const Batch& batch) = 0;

  /// The most batches that may be pending at once. With 1 and nothing that says kPending the order of records is kept
  /// through every retry.
  virtual std::size_t window() const noexcept { return 1; }

  /// Only while something is pending: waits for progress, at most so long, and gives what has ended. kRetry: call write()
  /// again with it after a pause.
  virtual std::vector<Finished> poll(std::chrono::milliseconds) { return {}; }

  /// Gives up on a batch that is pending or whose write() said kRetry: takes back what was written of a torn record and
  /// tells which frames are not known to be delivered, so that they can be left over. Never call write() with
  /// it again.
  virtual std::vector<FrameRange> abandon(const Batch& batch) = 0;

  /// Of a batch that kDelivered was said of: what of it has no form in the sink's encoding, or was refused for good.
  /// Called once a batch, right behind kDelivered or abandon(), which need not tell of them.
  virtual std::vector<Undeliverable> undeliverable(const Batch&) { return {}; }

  /// Between batches, at least every 100 ms: periodic sync, reopening asked for by request_reopen().
  virtual void tick() {}

  /// After the last batch: flush, sync, close.
  virtual Result<void> close() = 0;

  /// Any thread: close and open files again before the next write (SIGHUP, SIGUSR1: a log rotator has moved them).
  virtual void request_reopen() noexcept {}

  /// Any thread: a write() that waits (a pipe nobody reads) returns kRetry at once. Sticky until abandon().
  virtual void request_interrupt() noexcept {}

  /// Why the last write() or poll() said kRetry or kFailed: what was tried, on what, why not. Sink's thread only.
  virtual std::string last_error() const { return {}; }

  /// Any thread: see SinkMeasure.
  virtual std::vector<SinkMeasure> measures() const { return {}; }
};

}  // namespace penstock
