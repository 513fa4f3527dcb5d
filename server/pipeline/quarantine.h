#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"

namespace penstock {

/// One entry of a quarantine or leftover file: a JSON object on a line of its own,
/// `{"time":"2026-11-24T19:30:33.123456789Z","listener":"syslog","url":"tcp://127.0.0.1:5514","peer":"192.0.2.1:40000",
///   "reason":"tail_reset","sink":"archive","flags":["partial"],"bytes":"PGJhc2U2ND4="}`.
/// `sink` only in leftover files, `flags` only where set. Readable by `penstock send --replay`.
struct QuarantineEntry {
  std::int64_t time_ns = 0;
  std::string listener, url, peer, reason, sink;
  std::uint8_t flags = 0;  ///< FrameFlag bits
  std::string bytes;
};

/// The entry as one line, LF included.
std::string to_line(const QuarantineEntry& entry);
/// Reads a line back (without its LF). The error says what is wrong with it.
Result<QuarantineEntry> parse_quarantine_line(std::string_view line);

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);

/// Takes what is refused (malformed, oversize, tails, undelivered) and writes it to `PATH/quarantine.jsonl` on a thread
/// of its own. Bounded twice: entries waiting in memory (1 MiB) and the files' total size (max_bytes: beyond it entries
/// are counted and dropped). Never blocks a caller. put() from any thread.
class Quarantine {
 public:
  /// Creates the directory (0750) and file (0640), counts what the file holds already, starts the thread.
  static Result<std::unique_ptr<Quarantine>> open(std::string directory, std::size_t max_bytes);
  ~Quarantine();

  void put(QuarantineEntry entry);

  /// From here on put() writes to the leftover file `leftover-TIME-PID.jsonl` in the same directory, created at first
  /// use, without a cap; the caller waits until it is written. Used at stop when a sink is dead.
  void start_leftover();
  /// Writes frames [first, first + count) of `batch` to the leftover file, one write a few hundred KiB. False when that
  /// failed: the caller counts them as abandoned. Any thread, serialised.
  bool write_leftover(const Batch& batch, std::size_t first, std::size_t count, std::string_view sink, std::string_view reason);

  /// Writes what waits, syncs, ends the thread. Harmless when repeated.
  void close();

  std::string leftover_path() const;       ///< empty while there is none
  std::uint64_t written() const noexcept;  ///< quarantine entries in the file since start
  std::uint64_t dropped() const noexcept;  ///< over a bound, or the write failed
  std::uint64_t leftover() const noexcept; ///< entries in the leftover file

 private:
  struct Impl;
  explicit Quarantine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace penstock
