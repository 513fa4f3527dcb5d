#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/files/file_ops.h"
#include "server/log/log.h"
#include "server/pipeline/sink.h"
#include "server/sinks/archive_keeper.h"
#include "server/sinks/file_table.h"
#include "server/sinks/interrupt.h"
#include "server/sinks/path_router.h"
#include "server/sinks/rotator.h"
#include "server/sinks/write_plan.h"

namespace penstock {

/// `type = "file"` (DESIGN.md section 9): appends records to the files that the path template names.
///
/// A batch is grouped by file (WritePlan) and each file gets its records in as few large writes as possible
/// (RecordChain). Whatever fails (no space, quota, EIO, a directory without rights) is retried: the part that failed
/// remembers its place to the byte, the others go on, and nothing is written twice or torn. Delivered means, by `sync`:
/// - never: written. Survives the end of this process, not of the machine.
/// - interval: the same; files are synced at least every `sync_interval`. A sync that fails is logged as an error: the
///   records written since the last one may be lost, for they were acknowledged and are no longer held.
/// - always: synced with fdatasync, new names by syncing their directory. After a failed sync the records are cut off and
///   written again (see take_back.h).
/// Files are opened with O_APPEND, never truncated except to take back our own last bytes, and repaired where they do
/// not end in a whole record (see open_file.h). FIFOs and devices work, without sync and cutting back. A FIFO that its reader does
/// not empty for a second gives kRetry, and so does one without reader, at the start as well. When its reader goes, what
/// was in the pipe waits there for the next one, who gets all bytes from where the first one stopped, which may be within
/// a record; at a stop without reader these are lost, with an error. The answer is never kFailed: whatever is wrong with a
/// path or a disk can be put right by the operator, and until then the records stay with their senders. request_reopen()
/// helps too where a file system went away and came back (ESTALE): in the middle of a batch the rest goes to the newly
/// opened file, from the next whole record on.
/// A file that was removed is not noticed before that, or before its next rotation.
/// `rotate` moves files out of the way (Rotator) between two records, by size and by time, and a thread of its own looks
/// after those (ArchiveKeeper). Where it fails, writing goes on into the same file and it is tried again later.
class FileSink final : public Sink {
 public:
  explicit FileSink(const config::Sink& config, FileOps& files = system_files());

  Result<void> open() override;
  void undo_open() noexcept override;
  WriteStatus write(const Batch& batch) override;
  std::vector<Undeliverable> undeliverable(const Batch& batch) override {
    return penstock::unencodable(*encoder_, batch);
  }
  std::vector<FrameRange> abandon(const Batch& batch) override;
  void tick() override;
  Result<void> close() override;
  void request_reopen() noexcept override { reopen_.store(true); }
  void request_interrupt() noexcept override { interrupt_.request(); }
  std::string last_error() const override { return error_; }

  /// Files found with a torn last record and repaired, since the start. Any thread.
  std::uint64_t repaired() const noexcept { return repaired_.load(std::memory_order_relaxed); }
  /// Syncs that failed, since the start. Any thread.
  std::uint64_t failed_syncs() const noexcept {
    return failed_syncs_.load(std::memory_order_relaxed);
  }
  /// Rotations, and attempts that failed, since the start. Any thread.
  std::uint64_t rotations() const noexcept { return rotations_.load(std::memory_order_relaxed); }
  std::uint64_t failed_rotations() const noexcept {
    return failed_rotations_.load(std::memory_order_relaxed);
  }
  /// What became of rotated files; null where none are compressed or removed. Valid from open() to the end.
  const ArchiveCounts* archives() const noexcept { return keeper_ ? &keeper_->counts() : nullptr; }

 private:
  using Clock = std::chrono::steady_clock;

  // Of the batch in hand.
  void write_part(const RecordChain& chain, Part& part);
  bool sync_part(Part& part);
  std::size_t write_out(OutFile& file, std::string_view bytes);
  bool end_torn_tail(OutFile& file);
  std::string ending_of(const Part& part) const;

  // Of files.
  int ensure_open(OutFile& file);  // 0 or a negated errno, noted; -EPIPE: a FIFO that nobody reads
  bool close_one();
  int close_file(OutFile& file);
  int let_go(OutFile& file);
  bool pinned(const OutFile& file);
  bool is_same_fifo(const OutFile& file);
  int sync_file(OutFile& file);
  void reopen_if_asked();
  void open_when_possible();
  void sync_if_due(Clock::time_point now);
  void close_outdated();

  // Of rotation.
  enum class Rotation : std::uint8_t { kDone, kStays, kUnsynced };
  void start_keeper();
  void begin_keeping();
  bool make_fit(const RecordChain& chain, Part& part, Piece& piece);
  bool is_full(const RecordChain& chain, const Part& part, const Piece& piece, std::int64_t now_ns);
  bool time_is_up(OutFile& file, std::int64_t size, std::int64_t now_ns);
  Rotation rotate(OutFile& file, std::int64_t now_ns);
  void rotate_when_due();
  static std::int64_t size_of(const Part& part) noexcept;

  void note(std::string error);
  void note(const char* what, const OutFile& file, int code);
  void report(log::Level level, std::string_view message, const OutFile& file);
  bool durable() const noexcept { return config_.sync != config::Sync::kNever; }

  config::Sink config_;
  FileOps& files_;
  std::unique_ptr<Encoder> encoder_;
  FileTable table_;
  Rotator rotator_;
  std::unique_ptr<ArchiveKeeper> keeper_;  // where archives are compressed or removed
  bool keeping_ = false;                   // it was told what was left from before
  std::optional<PathRouter> router_;       // from open() on
  std::optional<CreatedPaths> created_;    // by open(), until the first write()
  WritePlan plan_;
  EncodeBuffer buffer_;
  Interrupt interrupt_;
  std::atomic<bool> reopen_{false};
  std::atomic<std::uint64_t> repaired_{0}, failed_syncs_{0}, rotations_{0}, failed_rotations_{0};
  std::string error_;            // the first of the last write()
  Clock::time_point give_up_{};  // of waiting for a FIFO's reader, in this write()
  Clock::time_point last_sync_{};
  log::RateLimit warnings_, errors_;
};

}  // namespace penstock
