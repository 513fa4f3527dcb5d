#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"
#include "server/log/log.h"
#include "server/pipeline/line_file.h"
#include "server/pipeline/quarantine_format.h"

namespace penstock {

/// Where undelivered records go at stop: `leftover-TIME-PID.jsonl`, created at first use (with its directory, where that
/// is gone), in the quarantine's format. Callers wait until their entries are written. Any thread; calls are serialised.
class LeftoverFile {
 public:
  explicit LeftoverFile(std::string directory) : directory_(std::move(directory)) {}

  /// False when the entry could not be written.
  bool put(const QuarantineEntry& entry);

  /// Writes frames [first, first + count) of `batch`, a few hundred KiB a write, and gives how many are in the file: the
  /// first so many, less than `count` when the disk is full.
  std::size_t put(const Batch& batch, std::size_t first, std::size_t count, std::string_view sink,
                  std::string_view reason);

  /// fsync and close; nothing can be put from here on. False when the file could not be synced.
  bool close();

  std::string path() const;                ///< empty while there is no file
  std::uint64_t entries() const noexcept;  ///< in the file; does not wait for a write

 private:
  bool ensure_open();
  std::size_t append(std::string_view lines);
  void complain(std::string_view what, const std::string& path, const std::string& error);

  mutable std::mutex mutex_;
  const std::string directory_;
  LineFile file_;
  std::string path_;
  std::atomic<std::uint64_t> entries_{0};
  bool closed_ = false;
  log::RateLimit complaints_;
};

}  // namespace penstock
