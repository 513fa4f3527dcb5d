#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"

namespace penstock {

/// What became of one attempt to write a batch.
enum class WriteStatus {
  kDelivered,  ///< every record is as safe as the sink's `sync` says
  kRetry,  ///< not all of it; call write() again with the same batch after a pause, it goes on where it stopped
  kFailed,  ///< will never succeed (a bug in the configuration that only showed now); never used for full disks
};

/// `count` frames of a batch from `first` on.
struct FrameRange {
  std::size_t first = 0;
  std::size_t count = 0;
};

/// Where records leave. Lives on one thread of its own, so that a slow disk or broker never stalls an I/O loop; only
/// open() and the request_ functions are called from other threads. One batch at a time.
struct Sink {
  virtual ~Sink() = default;

  /// Creates what must exist before the first accept; on the main thread, before the sink's thread starts.
  virtual Result<void> open() = 0;

  /// The start has failed after open(), or in it, and before anything was written: removes the empty files and
  /// directories that open() created, never what existed before or holds anything. Main thread; only open() may follow.
  virtual void undo_open() noexcept {}

  /// Writes `batch`. Returns within about 100 ms when interrupted (see request_interrupt), whatever the other side does.
  virtual WriteStatus write(const Batch& batch) = 0;

  /// Gives up on the batch whose write() said kRetry: takes back what was written of a torn record and tells which
  /// frames were not delivered, so that they can go to the leftover file. Never call write() with it again.
  virtual std::vector<FrameRange> abandon(const Batch& batch) = 0;

  /// Frames of a batch that write() has said kDelivered of and that are not written, for they have no form in the sink's
  /// encoding.
  virtual std::vector<FrameRange> unencodable(const Batch&) const { return {}; }

  /// Between batches, at least every 100 ms: periodic sync, reopening asked for by request_reopen().
  virtual void tick() {}

  /// After the last batch: flush, sync, close.
  virtual Result<void> close() = 0;

  /// Any thread: close and open files again before the next write (SIGHUP, SIGUSR1: a log rotator has moved them).
  virtual void request_reopen() noexcept {}

  /// Any thread: a write() that waits (a pipe nobody reads) returns kRetry at once. Sticky until abandon().
  virtual void request_interrupt() noexcept {}

  /// Why the last write() said kRetry or kFailed: what was tried, on what, why not. Sink's thread only.
  virtual std::string last_error() const { return {}; }
};

}  // namespace penstock
