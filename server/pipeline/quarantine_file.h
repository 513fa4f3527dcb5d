#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/files/created_paths.h"
#include "server/log/log.h"
#include "server/pipeline/line_file.h"
#include "server/pipeline/quarantine_format.h"

namespace penstock {

/// `DIRECTORY/quarantine.jsonl` under its size cap. Used by the quarantine's writing thread only; the counters may be
/// read by any.
class QuarantineFile {
 public:
  QuarantineFile(std::string directory, std::size_t max_bytes);

  /// Opens the file, and counts what the directory's quarantine*.jsonl hold. What it creates is added to `created`,
  /// where one is given, also when it fails later.
  Result<bool> open(CreatedPaths* created = nullptr);

  /// Appends the entries that fit and can be written; the others are counted as dropped, with a warning at most once a
  /// minute. `elsewhere_dropped` entries were lost before they came here and are named in the same warning.
  void write(const std::vector<QuarantineEntry>& entries, std::uint64_t elsewhere_dropped);

  void sync() noexcept;
  /// Any thread: max_bytes is no bound from here on.
  void lift_cap() noexcept { capped_.store(false, std::memory_order_relaxed); }

  std::uint64_t written() const noexcept { return written_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  void follow_changes();
  void count();
  bool fits(std::size_t bytes);
  void flush(std::string& lines);
  void warn_of_drops(std::uint64_t elsewhere_dropped);
  std::uint64_t bytes_in_directory() const;

  const std::string directory_;
  const std::string path_;
  const std::uint64_t max_bytes_;
  std::atomic<bool> capped_{true};
  LineFile file_;
  std::uint64_t total_bytes_ = 0;  // of all quarantine files, lines not yet flushed included
  bool full_ = false;              // an entry did not fit since the directory was last looked at
  std::int64_t counted_ms_ = 0;    // when the directory was last looked at
  int last_error_ = 0;             // of the last write, 0 when it worked
  std::uint64_t warned_ = 0;       // drops that the log has told
  log::RateLimit warnings_{1, 60'000};
  std::atomic<std::uint64_t> written_{0};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace penstock
