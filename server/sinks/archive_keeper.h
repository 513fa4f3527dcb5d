#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "server/sinks/archives.h"

namespace penstock {

/// The thread on which a sink's archives are compressed and removed (Archives), so that writing never waits for it: nice
/// 19 and the idle class of disk schedulers. Not SCHED_IDLE: on a busy machine archives would pile up for ever, and a log
/// line begun would not end. One thread a sink rather than one for all: it lives and ends with its sink, and a sink on a
/// disk that hangs delays no other. What fails is tried again every `retry`.
class ArchiveKeeper {
 public:
  static constexpr std::chrono::milliseconds kRetry{30'000};

  /// Starts the thread, which waits. `files` outlives the process's threads. Throws std::system_error where no thread can
  /// be made.
  ArchiveKeeper(const config::Sink& sink, FileOps& files, std::chrono::milliseconds retry = kRetry);
  ArchiveKeeper(const ArchiveKeeper&) = delete;
  ArchiveKeeper& operator=(const ArchiveKeeper&) = delete;
  ~ArchiveKeeper();  ///< stop()

  /// Looks after the archives of the file at `path`, soon. Any thread.
  void tidy(const std::string& path);
  /// After those of all files that the sink's path can give. Any thread.
  void tidy_all();

  /// Ends the thread, in the middle of a compression too, which then begins anew at the next start. Waits a moment for it;
  /// one that hangs in the kernel is left behind and touches nothing of the sink any more.
  void stop() noexcept;

  const ArchiveCounts& counts() const noexcept;

 private:
  struct Work;
  std::shared_ptr<Work> work_;
};

}  // namespace penstock
