#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/log/log.h"
#include "server/queue/disk_log.h"

namespace penstock {

/// The directories of what stops have left over: `QUARANTINE/leftover`, in it one a sink, and in that one a stop.
std::string leftover_directory(const std::string& quarantine);
std::string leftover_directory(const std::string& quarantine, std::string_view sink);
/// Logs what is left over for sinks that there are no more.
void warn_of_other_leftovers(const std::string& quarantine,
                             const std::function<bool(const std::string& sink)>& is_known);

/// Where undelivered records go at stop: for each sink a disk log `QUARANTINE/leftover/SINK/TIME-PID`, made at its first
/// record and delivered at the next start (LeftoverSource). Callers wait until their records are written. Any thread;
/// calls are serialised.
class Leftover {
 public:
  /// What this process has left over for one sink.
  struct Kept {
    std::string sink, path;
    std::uint64_t records = 0;
  };

  /// `files` outlives it.
  explicit Leftover(std::string quarantine, FileOps& files);

  /// Writes frames [first, first + count) of `batch`. False where they could not be written: none of them is kept. Later
  /// ones may be, on a disk that has room again.
  bool put(const Batch& batch, std::size_t first, std::size_t count, std::string_view sink);

  /// Syncs and closes; nothing can be put from here on. False when something could not be synced (logged).
  bool close();

  std::vector<Kept> kept() const;
  std::uint64_t records() const noexcept {
    return records_;
  }  ///< of all sinks; does not wait for a write

 private:
  struct OfSink {
    std::unique_ptr<DiskLog> log;
    std::string path;
    std::uint64_t records = 0;
  };

  DiskLog* log_of(std::string_view sink, OfSink& of_sink);
  Result<std::unique_ptr<DiskLog>> open_log(const std::string& path);
  bool write(DiskLog& log, const Batch& batch, std::size_t first, std::size_t count);
  void complain(std::string_view sink, const std::string& path, const std::string& error);

  const std::string quarantine_;
  FileOps& files_;
  OriginTable origins_;
  std::atomic<std::uint64_t> records_{0};

  mutable std::mutex mutex_;  // of what follows
  std::map<std::string, OfSink, std::less<>> sinks_;
  bool closed_ = false;
  log::RateLimit complaints_;
};

}  // namespace penstock
