#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "server/config/config.h"
#include "server/pipeline/block_pool.h"
#include "server/pipeline/disk_queue.h"
#include "server/pipeline/ledger.h"
#include "server/pipeline/leftover.h"
#include "server/pipeline/leftover_source.h"
#include "server/pipeline/quarantine.h"
#include "server/pipeline/sink_queue.h"
#include "server/pipeline/sink_runner.h"

namespace penstock {

/// A sink as it is served: the queue in memory that loops push to, and either the runner that delivers from it, or a
/// queue on disk between two runners, one that puts in and one that delivers.
class ServedSink {
 public:
  using Clock = std::chrono::steady_clock;

  /// What sinks share; all of it outlives them.
  struct Shared {
    BlockPool& pool;
    Ledger& ledger;
    Quarantine& quarantine;
    Leftover& leftover;
  };

  /// `quarantine` is its directory, where earlier stops have left something over; `on_open`: see SinkQueue.
  ServedSink(const config::Sink& config, const std::string& quarantine, Shared shared,
             std::function<void()> on_open);

  const std::string& name() const noexcept { return name_; }
  SinkQueue& queue() noexcept { return queue_; }
  /// The runner that takes from queue(): what it has settled is acknowledged and no longer ours in memory.
  SinkRunner& intake() noexcept { return *intake_; }
  const SinkRunner& intake() const noexcept { return *intake_; }
  /// The runner of the sink itself.
  SinkRunner& delivery() noexcept { return delivery_ ? *delivery_ : *intake_; }
  const SinkRunner& delivery() const noexcept { return delivery_ ? *delivery_ : *intake_; }
  DiskQueue* disk() noexcept { return disk_.get(); }
  const DiskQueue* disk() const noexcept { return disk_.get(); }

  Result<void> open();
  void undo_open() noexcept;
  void start();

  // ---- the stop, as SinkRunner has it. A queue on disk keeps what its sink does not take in time.
  void finish();
  void divert_intake();  ///< what is in memory is left over
  void divert();  ///< that, and what the sink itself does not take stays in the queue on disk
  bool join_until(Clock::time_point deadline);
  void abandon_hung_thread();
  /// Records of which something has become.
  std::uint64_t settled() const noexcept;
  /// What earlier stops have left over and is still not delivered.
  std::uint64_t left_over_records() const noexcept { return leftover_.records(); }
  bool close_failed() const noexcept { return close_failed_ || delivery().close_failed(); }

 private:
  void close_disk();

  const std::string name_;
  SinkQueue queue_;
  LeftoverSource leftover_;
  std::unique_ptr<DiskQueue> disk_;
  std::unique_ptr<SinkRunner> intake_, delivery_;
  bool delivery_finishing_ = false, disk_closed_ = false, close_failed_ = false;
};

}  // namespace penstock
