#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"
#include "server/pipeline/base64.h"
#include "server/pipeline/quarantine_format.h"
#include "server/pipeline/quarantine_tally.h"

namespace penstock {

/// Takes what is refused (malformed, oversize, tails, undelivered) and writes it to `PATH/quarantine.jsonl` on a thread
/// of its own. Bounded twice: entries waiting in memory (1 MiB; a larger one waits alone) and the total size of the
/// directory's `quarantine*.jsonl` (max_bytes: beyond it entries are counted and dropped, and the log says so now and
/// then). A file that was moved or removed meanwhile is begun anew. put() from any thread.
class Quarantine {
 public:
  /// Creates the directory (0750) and file (0640), counts what the files hold already, starts the thread.
  static Result<std::unique_ptr<Quarantine>> open(const std::string& directory,
                                                  std::size_t max_bytes);
  ~Quarantine();  ///< closes

  /// The start has failed after open(): closes, and removes the file and the directories that open() created where
  /// nothing is in them; never what existed before. A failed open() has done so itself. Main thread, after the sinks'.
  void undo_open() noexcept;

  /// What the caller does while the entries in memory take their most.
  enum class WhenFull : std::uint8_t {
    kDrop,  ///< a loop, which serves others meanwhile: the entry is counted and dropped
    kWait,  ///< a sink's thread: as long as the file takes anything, two seconds for an entry at most
  };

  /// Never blocks the caller with kDrop, unless wait_for_room() was called. After close() entries are dropped.
  void put(QuarantineEntry entry, WhenFull when_full = WhenFull::kDrop);

  /// From here on put() waits while the entries in memory take their most, instead of dropping: at stop every tail
  /// counts, and nobody is kept from being served.
  void wait_for_room();

  /// From here on `max_bytes` is no bound: the unfinished frames that a stop cuts off are ours to keep.
  void lift_cap() noexcept;

  /// Writes what waits, syncs, ends the thread. Harmless when repeated.
  void close();

  std::uint64_t written() const noexcept;  ///< quarantine entries in the file since start
  std::uint64_t dropped() const noexcept;  ///< over a bound, or the write failed
  /// All that came by put(), written or not.
  const QuarantineTally& tally() const noexcept;

 private:
  struct Impl;
  explicit Quarantine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
