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

  /// Never blocks the caller; after start_leftover() it waits for the disk. After close() entries are dropped.
  void put(QuarantineEntry entry);

  /// From here on put() waits while the entries in memory take their most, instead of dropping: at stop every tail
  /// counts, and nobody is kept from being served.
  void wait_for_room();

  /// From here on put() writes to the leftover file `leftover-TIME-PID.jsonl` in the same directory, created at first
  /// use, without a cap; the caller waits until it is written. Used at stop when a sink is dead.
  void start_leftover();
  /// Writes frames [first, first + count) of `batch` to the leftover file, one write a few hundred KiB. Gives how many
  /// of them, from `first` on, are in the file; the caller counts the others as abandoned. Any thread, serialised.
  std::size_t write_leftover(const Batch& batch, std::size_t first, std::size_t count,
                             std::string_view sink, std::string_view reason);

  /// Writes what waits, syncs both files, ends the thread. False when the leftover file could not be synced (logged):
  /// its entries may be lost at a power cut. Harmless when repeated: the answer stays the same.
  bool close();

  std::string leftover_path() const;       ///< empty while there is none
  std::uint64_t written() const noexcept;  ///< quarantine entries in the file since start
  std::uint64_t dropped() const noexcept;  ///< over a bound, or the write failed
  std::uint64_t leftover() const;          ///< entries in the leftover file
  /// All that came by put(), written or not.
  const QuarantineTally& tally() const noexcept;

 private:
  struct Impl;
  explicit Quarantine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
