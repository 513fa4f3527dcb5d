#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"
#include "server/files/created_paths.h"
#include "server/files/file_ops.h"
#include "server/queue/checkpoint.h"
#include "server/queue/segment_scan.h"

namespace penstock {

/// When what is written to a disk queue counts as kept.
enum class QueueSync {
  kBatch,     ///< synced before it is acknowledged
  kInterval,  ///< written; synced within sync_interval
  kNever,     ///< written; the kernel syncs when it likes
};

struct DiskLogOptions {
  static constexpr std::uint64_t kUsualSegmentBytes = std::uint64_t{64} << 20;

  std::string directory;
  std::uint64_t max_bytes = std::uint64_t{1} << 30;  ///< of all segment files
  std::uint64_t segment_bytes = kUsualSegmentBytes;  ///< of one; more only for a larger batch
  QueueSync sync = QueueSync::kBatch;
  /// Where the disk has no room for a whole segment, one of a single batch is made.
  bool short_segments = false;
  /// While open() recovers: how long it waits before it reads again what the disk did not give.
  std::chrono::milliseconds read_pause{100};
};

/// A queue of records on disk: segments that are written at one end and read at the other, and a checkpoint of what was
/// delivered. Records have ids that rise by one, from 1 on, over all restarts.
///
/// Two threads: one appends (append, commit, roll, drop_oldest), one reads (next, delivered, tick). open() and close()
/// while neither runs. Nothing that was durable is lost by any failure of the file system, except what the disk itself
/// gives back damaged: that is passed over and counted.
class DiskLog {
 public:
  /// What open() found.
  struct Recovered {
    std::uint64_t records = 0;  ///< that wait for delivery
    std::uint64_t segments = 0;
    std::uint64_t torn_bytes = 0;    ///< behind the last whole batch: never acknowledged, cut
    std::vector<std::string> notes;  ///< what else an operator should know, one sentence each
  };
  enum class CommitStatus {
    kDone,   ///< what was appended is kept, as QueueSync says
    kRetry,  ///< not written, or not all of it: commit() again after a pause
    kRewrite,  ///< a sync has failed, the segment is sealed before what was appended: roll(), append it all again
  };
  enum class RollStatus {
    kDone,
    kRetry,  ///< no segment could be made: again after a pause
    kFull,  ///< max_bytes are in use: again when the reader has freed a segment, or after drop_oldest()
  };
  enum class ReadStatus { kBatch, kNothing, kError };

  /// Plain numbers for metrics. Any thread.
  struct Status {
    std::uint64_t records = 0;  ///< kept and not delivered
    std::uint64_t bytes = 0;    ///< of all segment files
    std::uint64_t segments = 0;
    std::uint64_t damaged_records = 0;  ///< read back damaged, or missing, since open()
    std::uint64_t syncs = 0;
    std::uint64_t written_bytes = 0;
    std::uint64_t failed_syncs = 0;
  };

  /// Makes the directory where it is missing; recovers what is in it. Refuses a directory that another process uses.
  static Result<std::unique_ptr<DiskLog>> open(FileOps& files, DiskLogOptions options,
                                               OriginTable& origins, BlockSource blocks,
                                               Recovered& recovered);
  ~DiskLog();
  DiskLog(const DiskLog&) = delete;
  DiskLog& operator=(const DiskLog&) = delete;

  // ---- the appending thread

  /// Adds all frames of `batch` to what the next commit() writes. False, and nothing done, where the segment has no room:
  /// commit() and then roll() first.
  bool append(const Batch& batch) { return append(batch, 0, batch.frames.size()); }
  /// Only the frames [first, first + count).
  bool append(const Batch& batch, std::size_t first, std::size_t count);
  /// After a commit() that said kRetry: gives up on what was appended.
  void withdraw();
  CommitStatus commit();
  RollStatus roll();
  /// Syncs what was written and is not synced yet. False: it cannot be, the segment was sealed before it; roll() writes it
  /// again.
  bool sync_written();
  /// Removes the oldest segment, unless it is the one written to; `each` gets every batch of it that was not read yet.
  /// What next() has given out of it is there no longer either, see done_record(). False where there is none to remove.
  bool drop_oldest(const std::function<void(const StoredBatch&)>& each);
  std::string last_error() const;  ///< of the last call of this thread that did not end well

  // ---- the reading thread

  /// How often what the disk cannot give is read again before it counts as damaged.
  static constexpr unsigned kReadAttempts = 30;

  /// The next batch that is kept and was not read since open(). kError: see read_error(); the same call may succeed
  /// later, and where the disk fails to read is passed over after kReadAttempts calls.
  ReadStatus next(StoredBatch& out);
  /// Everything before record `end` is delivered. Frees segments that are; true when there is room again.
  bool delivered(std::uint64_t end);
  /// Writes the checkpoint where it is behind, and tries again what could not be freed. At least every second.
  void tick();
  std::string read_error() const;
  /// What an operator should know of what delivered() and tick() could not do since the last call, a sentence each; it is
  /// said again each time that it is tried again.
  std::vector<std::string> take_notes();
  /// Behind the last record that next() has given or passed over.
  std::uint64_t read_record() const;
  /// Records before this one are delivered, or were dropped: no later start finds them.
  std::uint64_t done_record() const;

  // ---- any thread

  Status status() const;
  /// Records with smaller ids were there at open().
  std::uint64_t first_own_record() const noexcept { return first_own_record_; }
  /// All that is kept has been read.
  bool all_read() const;

  /// Syncs what was written and the checkpoint.
  Result<void> close();
  /// Whether a file of this name in a log's directory is a part of the log; what was set aside as damaged is not.
  static bool owns(std::string_view name) noexcept;

  /// Removes the empty files and directories that open() has made, where nothing was written. Only the destructor may
  /// follow.
  void undo_open() noexcept;

 private:
  /// Delivered segments that are kept to be written to again.
  static constexpr std::size_t kMostSpares = 2;
  /// Of damaged segments of one name.
  static constexpr unsigned kMostDamagedNames = 1000;
  static constexpr std::size_t kMostNotes = 16;
  static constexpr std::string_view kSparePrefix = "spare-";
  static constexpr std::string_view kCheckpointName = "checkpoint", kLockName = "lock";

  struct Segment {
    std::uint64_t id = 0, first_record = 0, end_record = 0;
    std::uint64_t end_offset = 0;  // of its data
    std::uint64_t file_bytes = 0;
    bool damaged = false;
  };

  DiskLog(FileOps& files, DiskLogOptions options, OriginTable& origins, BlockSource blocks);

  // recovery
  Result<void> make_directory();
  Result<void> lock_directory();
  Result<void> open_checkpoint();
  Result<void> recover(Recovered& recovered);
  Result<std::vector<std::uint64_t>> list_segments();
  void remove_abandoned(std::uint64_t next_first);
  Result<void> add_found(std::uint64_t id, Recovered& recovered);
  Result<void> set_aside(std::uint64_t id, const std::string& why, Recovered& recovered);
  Result<std::unique_ptr<SegmentReader>> open_found(std::uint64_t id);
  bool wait_to_read_again(const Error& error);
  Result<void> measure_last(Recovered& recovered);
  void find_place(Recovered& recovered);
  bool sync_last();

  // writing
  Result<void> make_segment(std::uint64_t bytes);
  Result<void> make_whole_or_short_segment(std::uint64_t bytes);
  Result<int> new_file(const std::string& path);
  Result<void> fill_in(int fd, const SegmentHeader& header, std::uint64_t& bytes);
  Result<void> write_header(int fd, const SegmentHeader& header);
  bool write_pending();
  bool tail_is_lost(const Error& error);
  bool copy_tail(SegmentReader& reader);
  bool claim_tail();
  void seal_after_failed_sync(int error);
  void seal(std::uint64_t end_offset, std::uint64_t end_record);
  void show_written(bool synced);
  RollStatus rewrite_tail();
  std::uint64_t tell_dropped(const Segment& segment, std::uint64_t from,
                             const std::function<void(const StoredBatch&)>& each);
  bool full(std::uint64_t bytes) const;
  void note(std::string error);

  // reading
  struct Limit {
    std::uint64_t offset = 0, record = 0;
    bool active = false;
  };
  std::optional<Limit> limit_of_reading() const;
  std::optional<ReadStatus> open_reader();
  bool give_up_reading(const Error& error);
  void after_reading(bool found);
  bool accept(const StoredBatch& batch, const Limit& limit);
  Result<bool> pass_over_damage(const Limit& limit);
  void leave_segment();
  void count_missing_until(std::uint64_t record);
  Segment* find_segment(std::uint64_t id);
  void note_reading(std::string error);
  bool checkpoint_behind();
  bool write_checkpoint(bool synced);
  bool free_delivered();
  bool free_file(const Segment& segment);
  int keep_damaged(const std::string& path, std::string& kept_as);
  void add_note(std::string note);
  std::string path_of(const std::string& name) const { return options_.directory + "/" + name; }
  std::string segment_path(std::uint64_t id) const { return path_of(segment_name(id)); }

  FileOps& files_;
  const DiskLogOptions options_;
  OriginTable& origins_;
  const BlockSource blocks_;
  std::mutex checkpoint_mutex_;  // of checkpoint_, once it is open; taken before mutex_
  CheckpointFile checkpoint_;
  int lock_fd_ = -1;
  CreatedPaths created_;
  std::uint64_t first_own_record_ = 1;

  // The appending thread's.
  int fd_ = -1;  // of the active segment
  std::string active_path_;
  std::uint64_t active_bytes_ = 0;  // of its file
  SegmentHeader header_;            // of the active segment
  std::uint64_t next_segment_ = 1;
  std::string pending_;  // encoded, to be written at write_offset_
  std::size_t pending_written_ = 0;
  std::uint64_t write_offset_ = 0;                       // of the active segment
  std::uint64_t written_record_ = 1;                     // behind what stands before it
  std::uint64_t next_record_ = 1;                        // behind what is in pending_
  std::uint64_t synced_offset_ = 0, synced_record_ = 1;  // of the active segment
  std::uint64_t wanted_bytes_ = 0;                       // of a batch that found no room
  /// What a failed sync has left written and not durable, where its senders were told that it is kept.
  struct Tail {
    std::string path;
    std::uint64_t from = 0, to = 0;  // offsets
    unsigned failed_reads = 0;
  };
  std::optional<Tail> tail_;
  /// What was appended went when a segment was sealed, and commit() has not said so yet.
  bool withdrawn_ = false;

  // The reading thread's.
  std::unique_ptr<SegmentReader> reader_;
  std::uint64_t reading_ = 0;  // id of the segment that is read, or was last
  unsigned failed_reads_ = 0;  // at one place; while open() recovers, in all

  mutable std::mutex mutex_;  // of what follows
  std::deque<Segment> segments_;
  std::vector<std::string> spares_;  // names of files that may be used again
  bool active_ = false;              // the last segment is written to
  /// The one with tail_, or 0: until that is rewritten the segment stays, and no record from tail_record_ on is shown.
  std::uint64_t tail_segment_ = 0, tail_record_ = 0;
  std::uint64_t durable_record_ = 1;
  std::uint64_t visible_record_ = 1,
                visible_offset_ = 0;  // what may be read; the offset in the active segment
  std::uint64_t read_record_ = 1;     // the next to be read
  std::uint64_t done_record_ = 1;     // delivered or dropped is all before it
  bool checkpoint_behind_ = false;
  std::uint64_t damaged_records_ = 0, syncs_ = 0, failed_syncs_ = 0, written_bytes_ = 0;
  std::string error_, read_error_;
  std::vector<std::string> notes_;
};

}  // namespace penstock
