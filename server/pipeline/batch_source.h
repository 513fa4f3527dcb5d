#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "server/pipeline/ledger.h"
#include "server/pipeline/sealed_batch.h"

namespace penstock {

/// What waits in a queue: one batch on one route.
struct QueueEntry {
  std::shared_ptr<SealedBatch> batch;
  RouteLedger* route = nullptr;
  bool required = true;
};

/// Where a sink's thread gets its batches from: the queue in memory, or a queue on disk.
struct BatchSource {
  virtual ~BatchSource() = default;

  /// Sink's thread: the front entry, waiting up to `wait`; empty when there is none, when woken, or after finish() on
  /// an empty queue. The entry is in flight until claim(), and stays charged until done().
  virtual std::optional<QueueEntry> pop(std::chrono::milliseconds wait) = 0;

  /// Sink's thread, before it counts or reports what became of an entry in flight: false when seize() has taken it
  /// over meanwhile, then it must do neither and not call done().
  virtual bool claim(const QueueEntry& entry) = 0;
  /// Ends the charge of an entry.
  virtual void done(const QueueEntry& entry) = 0;

  /// Any thread: takes over everything that waits, the entries in flight first, from a sink's thread that hangs. The
  /// entries stay charged until done().
  virtual std::vector<QueueEntry> seize() = 0;

  virtual void finish() = 0;          ///< nothing more will be put in
  virtual bool finished() const = 0;  ///< finish() was called and nothing waits
  virtual std::size_t fill_bytes() const = 0;

  /// Sink's thread, instead of done(), of an entry whose sink is given up on: true where it stays with this source until
  /// the next start, and nothing is left over.
  virtual bool keep(const QueueEntry&) { return false; }
  /// Any thread: what would be kept is not waited for, and finished() is true without it.
  virtual void abandon() noexcept {}
};

}  // namespace penstock
