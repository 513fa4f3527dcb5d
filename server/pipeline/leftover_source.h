#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include "server/log/log.h"
#include "server/pipeline/block_pool.h"
#include "server/pipeline/log_delivery.h"
#include "server/queue/disk_log.h"

namespace penstock {

/// A sink's queue, before which stands what earlier stops have left over for it (Leftover): that comes first, oldest
/// stop first, and its files go once it is delivered. What is not delivered stays for the next start.
class LeftoverSource final : public BatchSource {
 public:
  /// `directory` is the sink's, leftover_directory(). `files`, `pool` and `queue` outlive it.
  LeftoverSource(std::string sink, std::string directory, FileOps& files, BlockPool& pool,
                 FindRoute find_route, BatchSource& queue);

  /// Finds what is there. A stop's records that cannot be opened are logged and stay, and so do those that another
  /// process uses: nothing of this keeps the server from starting. Main thread, before the sink's thread starts.
  void open();
  void undo_open() noexcept;
  /// The sink's thread has ended: what is left stays for the next start. Harmless when repeated.
  void close();

  std::optional<QueueEntry> pop(std::chrono::milliseconds wait) override;
  bool claim(const QueueEntry& entry) override {
    return delivery_.holds(entry) || queue_.claim(entry);
  }
  void done(const QueueEntry& entry) override;
  /// What the hung thread has of what was left over stays where it is.
  std::vector<QueueEntry> seize() override { return queue_.seize(); }
  void finish() override { queue_.finish(); }
  bool finished() const override {
    return queue_.finished() && (logs_.empty() || unreadable_ || abandoned_.load());
  }
  std::size_t fill_bytes() const override { return queue_.fill_bytes(); }
  bool keep(const QueueEntry& entry) override;
  void abandon() noexcept override;

  /// Records that are not delivered. Any thread, also after close().
  std::uint64_t records() const noexcept { return records_.load(std::memory_order_relaxed); }

 private:
  struct Log {
    std::string directory;
    std::unique_ptr<DiskLog> log;
  };

  void open_log(const std::string& directory);
  std::optional<QueueEntry> next_left_over();
  void complain();
  void remove_delivered();
  void checkpoint_when_due();
  void publish();

  const std::string sink_, directory_;
  FileOps& files_;
  BlockPool& pool_;
  BatchSource& queue_;
  OriginTable origins_;
  LogDelivery delivery_;
  std::deque<Log> logs_;  // the sink's thread's, once that runs
  std::atomic<std::uint64_t> records_{0};
  bool delivering_ = false;  // something was found
  bool unreadable_ = false;
  std::chrono::steady_clock::time_point again_at_;  // when that is tried again
  std::chrono::steady_clock::time_point last_checkpoint_;
  std::atomic<bool> abandoned_{false};
  log::RateLimit complaints_;
};

}  // namespace penstock
