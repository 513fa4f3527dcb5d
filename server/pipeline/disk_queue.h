#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/log/log.h"
#include "server/pipeline/batch_source.h"
#include "server/pipeline/block_pool.h"
#include "server/pipeline/log_delivery.h"
#include "server/pipeline/sink.h"
#include "server/queue/disk_log.h"

namespace penstock {

/// What a full queue on disk does with what comes.
enum class DiskFull {
  kBlock,       ///< the queue in memory before it fills, and its gate shuts
  kDropNewest,  ///< it is dropped and counted
  kDropOldest,  ///< the oldest segment makes way; its records were acknowledged and are counted as dropped
};

/// A sink's queue on disk. Two runners work on it: one whose sink is writer() puts in what loops have pushed to the queue
/// in memory, several batches a sync (group commit); one whose source is reader() delivers to the real sink. What is in
/// it is acknowledged, and stays `queued` in the ledger until it is delivered, over restarts.
class DiskQueue {
 public:
  /// Batches are committed together until they hold so much.
  static constexpr std::size_t kGroupBytes = std::size_t{4} << 20;
  static constexpr std::chrono::milliseconds kCheckpointInterval{200};
  /// Between two attempts to read what the disk did not give (DiskLog::kReadAttempts).
  static constexpr std::chrono::milliseconds kReadPause{100};
  /// How long write() waits for room before it says so.
  static constexpr std::chrono::milliseconds kRoomPatience{50};

  struct Options {
    std::string sink;  ///< its name, for the log
    DiskLogOptions log;
    DiskFull when_full = DiskFull::kBlock;
    std::chrono::milliseconds sync_interval{1000};  ///< with QueueSync::kInterval
  };
  /// `files` and `pool` outlive the queue; `find_route` is called on both runners' threads.
  DiskQueue(Options options, FileOps& files, BlockPool& pool, FindRoute find_route);
  ~DiskQueue();
  DiskQueue(const DiskQueue&) = delete;
  DiskQueue& operator=(const DiskQueue&) = delete;

  /// For the runner that puts in; opens the queue, and closes it once reader()'s runner has ended as well. Outlived by
  /// the queue.
  std::unique_ptr<Sink> writer();
  /// For the runner that delivers.
  BatchSource& reader() noexcept;
  /// Called when a segment has been freed, on the delivering thread. Before the runners start.
  void on_room(std::function<void()> call) { on_room_ = std::move(call); }

  /// Both runners have ended.
  Result<void> close();

  const std::string& directory() const noexcept { return options_.log.directory; }
  std::uint64_t max_bytes() const noexcept { return options_.log.max_bytes; }
  DiskLog::Status status() const;                              ///< any thread, once it is open
  bool all_read() const { return !log_ || log_->all_read(); }  ///< given to reader()'s runner

 private:
  class Writer;
  class Reader;

  Result<void> open();
  void undo_open() noexcept;

  const Options options_;
  FileOps& files_;
  BlockPool& pool_;
  const FindRoute find_route_;
  std::function<void()> on_room_;
  OriginTable origins_;
  std::unique_ptr<DiskLog> log_;
  std::unique_ptr<Reader> reader_;

  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::uint64_t kept_ = 0;   // rises with each commit: there is something to read
  std::uint64_t freed_ = 0;  // rises when a segment is freed
};

}  // namespace penstock
