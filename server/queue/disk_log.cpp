#include "server/queue/disk_log.h"

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <utility>

#include "protocols/core/check.h"
#include "protocols/core/errno_text.h"

// Appending. After a failed sync: disk_log_rewrite.cpp; recovery: disk_log_recover.cpp; reading: disk_log_read.cpp.
namespace penstock {
namespace {

constexpr mode_t kSegmentMode = 0640;

std::uint64_t random_epoch() {
  std::uint64_t epoch = 0;
  PENSTOCK_CHECK(::getrandom(&epoch, sizeof epoch, 0) == sizeof epoch);
  return epoch;
}

}  // namespace

DiskLog::DiskLog(FileOps& files, DiskLogOptions options, OriginTable& origins, BlockSource blocks)
    : files_(files),
      options_(std::move(options)),
      origins_(origins),
      blocks_(std::move(blocks)),
      checkpoint_(files, options_.directory + "/" + std::string(kCheckpointName)) {}

DiskLog::~DiskLog() {
  if (fd_ >= 0) files_.close(fd_);
  if (lock_fd_ >= 0) files_.close(lock_fd_);
}

bool DiskLog::owns(std::string_view name) noexcept {
  return name == kCheckpointName || name == kLockName || name.starts_with(kSparePrefix) ||
         parse_segment_name(name).has_value();
}

void DiskLog::undo_open() noexcept { created_.remove(); }

void DiskLog::note(std::string error) {
  const std::lock_guard lock(mutex_);
  error_ = std::move(error);
}

std::string DiskLog::last_error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

// ---- batches

bool DiskLog::append(const Batch& batch, std::size_t first, std::size_t count) {
  const std::size_t before = pending_.size();
  append_batch(pending_, batch, first, count, header_.epoch, next_record_);
  if (fd_ < 0 || tail_ || write_offset_ + pending_.size() > active_bytes_) {
    wanted_bytes_ = pending_.size() - before;
    pending_.resize(before);
    return false;
  }
  next_record_ += count;
  return true;
}

void DiskLog::withdraw() {
  if (tail_) return;  // what is pending is of the tail
  pending_.clear();
  pending_written_ = 0;
  next_record_ = written_record_;
}

DiskLog::CommitStatus DiskLog::commit() {
  if (std::exchange(withdrawn_, false) || tail_) {
    withdraw();
    return CommitStatus::kRewrite;
  }
  if (pending_.empty()) return CommitStatus::kDone;
  if (!write_pending()) return CommitStatus::kRetry;
  if (options_.sync != QueueSync::kBatch) {
    show_written(false);
    return CommitStatus::kDone;
  }
  return sync_written() ? CommitStatus::kDone : CommitStatus::kRewrite;
}

/// What is already written of it stays; the next call goes on there.
bool DiskLog::write_pending() {
  while (pending_written_ < pending_.size()) {
    const std::int64_t n =
        files_.pwrite(fd_, pending_.data() + pending_written_, pending_.size() - pending_written_,
                      static_cast<std::int64_t>(write_offset_ + pending_written_));
    if (n == -EINTR) continue;
    if (n <= 0) {
      note("write " + active_path_ + ": " + errno_text(n == 0 ? ENOSPC : static_cast<int>(n)));
      return false;
    }
    pending_written_ += static_cast<std::size_t>(n);
  }
  write_offset_ += pending_.size();
  written_record_ = next_record_;
  {
    const std::lock_guard lock(mutex_);
    written_bytes_ += pending_.size();
  }
  pending_.clear();
  pending_written_ = 0;
  return true;
}

bool DiskLog::sync_written() {
  if (tail_) return false;
  if (fd_ < 0 || synced_offset_ == write_offset_) return true;
  if (const int synced = files_.fdatasync(fd_); synced < 0) {
    seal_after_failed_sync(synced);
    return false;
  }
  show_written(true);
  return true;
}

void DiskLog::show_written(bool synced) {
  if (synced) {
    synced_offset_ = write_offset_;
    synced_record_ = written_record_;
  }
  const std::lock_guard lock(mutex_);
  visible_offset_ = write_offset_;
  visible_record_ = written_record_;
  tail_segment_ = 0;
  if (!synced) return;
  durable_record_ = written_record_;
  ++syncs_;
}

/// After a failed sync the kernel has forgotten which pages it could not write: nothing behind the last good sync can be
/// made durable in this file any more (FACTS: fsync reports an error once).
void DiskLog::seal_after_failed_sync(int error) {
  note("sync " + active_path_ + ": " + errno_text(error));
  if (options_.sync == QueueSync::kBatch) {
    next_record_ = written_record_ = synced_record_;  // the caller appends it again
  } else {
    withdrawn_ = !pending_.empty();  // it bears this segment's epoch
    withdraw();
    tail_ = Tail{active_path_, synced_offset_, write_offset_};
  }
  seal(synced_offset_, synced_record_);
  const std::lock_guard lock(mutex_);
  ++failed_syncs_;
  if (!tail_) return;
  tail_segment_ = segments_.back().id;
  tail_record_ = synced_record_;
}

// ---- segments

DiskLog::RollStatus DiskLog::roll() {
  PENSTOCK_CHECK(pending_.empty() || tail_);
  if (fd_ >= 0 && tail_) return rewrite_tail();
  if (fd_ >= 0) {
    if (options_.sync != QueueSync::kNever && !sync_written()) return roll();
    seal(write_offset_, written_record_);
  }
  const std::uint64_t bytes =
      std::max(options_.segment_bytes, SegmentHeader::kDataOffset + wanted_bytes_);
  if (full(bytes)) return RollStatus::kFull;
  if (const Result<void> made = make_whole_or_short_segment(bytes); !made) {
    note(made.error().message);
    return RollStatus::kRetry;
  }
  return tail_ ? rewrite_tail() : RollStatus::kDone;
}

/// Nothing more is written to the active segment, and nothing behind this is read from it.
void DiskLog::seal(std::uint64_t end_offset, std::uint64_t end_record) {
  files_.close(std::exchange(fd_, -1));
  const std::lock_guard lock(mutex_);
  active_ = false;
  segments_.back().end_offset = end_offset;
  segments_.back().end_record = end_record;
}

bool DiskLog::full(std::uint64_t bytes) const {
  const std::lock_guard lock(mutex_);
  if (!spares_.empty() || segments_.empty()) return false;
  if (segments_.front().id == tail_segment_) return false;  // it makes way after it is rewritten
  const std::uint64_t used = std::accumulate(
      segments_.begin(), segments_.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Segment& segment) { return sum + segment.file_bytes; });
  return used + bytes > options_.max_bytes;
}

Result<void> DiskLog::make_whole_or_short_segment(std::uint64_t bytes) {
  Result<void> made = make_segment(bytes);
  const std::uint64_t least = SegmentHeader::kDataOffset + wanted_bytes_;
  if (made || !options_.short_segments || bytes <= least) return made;
  const int code = made.error().code;
  const bool no_room = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return no_room ? make_segment(least) : made;
}

/// With a tail to be rewritten into it, its header says that it begins behind that until all of it is there: a start
/// after a kill finds the tail where it was.
Result<void> DiskLog::make_segment(std::uint64_t bytes) {
  SegmentHeader header;
  header.id = next_segment_++;
  header.first_record = next_record_;
  header.epoch = random_epoch();
  header.created_ns = files_.now_ns();
  const std::string path = segment_path(header.id);
  const Result<int> fd = new_file(path);
  if (!fd) return tl::unexpected(fd.error());
  if (Result<void> filled = fill_in(*fd, header, bytes); !filled) {
    files_.close(*fd);
    files_.unlink(path.c_str());  // where that fails it is an empty segment at the next start
    return filled;
  }
  fd_ = *fd;
  active_path_ = path;
  active_bytes_ = bytes;
  header_ = header;
  write_offset_ = synced_offset_ = SegmentHeader::kDataOffset;
  if (!tail_) synced_record_ = header.first_record;
  wanted_bytes_ = 0;
  const std::lock_guard lock(mutex_);
  segments_.push_back({header.id, header.first_record, header.first_record, 0, bytes, false});
  visible_offset_ = write_offset_;
  active_ = true;
  return {};
}

/// One that was used before, else a new one.
Result<int> DiskLog::new_file(const std::string& path) {
  std::string spare;
  {
    const std::lock_guard lock(mutex_);
    if (!spares_.empty()) {
      spare = path_of(spares_.back());
      spares_.pop_back();
    }
  }
  int flags = O_RDWR | O_CLOEXEC;
  if (spare.empty() || files_.rename(spare.c_str(), path.c_str()) < 0) {
    if (!spare.empty()) files_.unlink(spare.c_str());
    flags |= O_CREAT | O_EXCL;
  }
  const int fd = files_.open(path.c_str(), flags, kSegmentMode);
  if (fd < 0) return fail(-fd, "open " + path + ": " + errno_text(fd));
  return fd;
}

/// `bytes`: at least so many are reserved; what the file has then.
Result<void> DiskLog::fill_in(int fd, const SegmentHeader& header, std::uint64_t& bytes) {
  const std::string path = segment_path(header.id);
  const auto failed = [&](const char* what, std::int64_t error) {
    const int code = static_cast<int>(error);
    return fail(-code, what + (" " + path) + ": " + errno_text(code));
  };
  struct stat status {};
  if (const int result = files_.fstat(fd, status); result < 0) return failed("stat", result);
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < bytes) {
    const int result = files_.reserve(fd, static_cast<std::int64_t>(bytes));
    if (result < 0) return failed("reserve", result);
  }
  bytes = std::max(bytes, size);
  if (Result<void> written = write_header(fd, header); !written) return written;
  if (options_.sync == QueueSync::kNever) return {};
  if (const int result = files_.fdatasync(fd); result < 0) return failed("sync", result);
  if (const int result = sync_directory(files_, options_.directory); result < 0)
    return failed("sync the directory of", result);
  return {};
}

Result<void> DiskLog::write_header(int fd, const SegmentHeader& header) {
  const std::string text = header.encode();
  std::int64_t n = files_.pwrite(fd, text.data(), text.size(), 0);
  if (n == static_cast<std::int64_t>(text.size())) return {};
  if (n >= 0) n = -ENOSPC;
  return fail(static_cast<int>(-n),
              "write " + segment_path(header.id) + ": " + errno_text(static_cast<int>(n)));
}

bool DiskLog::drop_oldest(const std::function<void(const StoredBatch&)>& each) {
  Segment oldest;
  std::uint64_t from = 0;
  {
    const std::lock_guard lock(mutex_);
    if (segments_.size() < (active_ ? 2u : 1u)) return false;
    oldest = segments_.front();
    if (oldest.end_record <= done_record_) return false;  // the reading thread frees it
    if (oldest.id == tail_segment_) return false;
    segments_.pop_front();
    from = read_record_;
    read_record_ = std::max(read_record_, oldest.end_record);
    done_record_ = oldest.end_record;
    checkpoint_behind_ = true;
  }
  // Before the file goes: else a start after a crash would take what was dropped for lost by the disk.
  write_checkpoint(options_.sync != QueueSync::kNever);
  const std::uint64_t told = tell_dropped(oldest, from, each);
  {
    const std::lock_guard lock(mutex_);
    damaged_records_ += std::max(from + told, oldest.end_record) - (from + told);
  }
  const int removed = files_.unlink(segment_path(oldest.id).c_str());
  if (removed < 0) note("remove " + segment_path(oldest.id) + ": " + errno_text(removed));
  return true;
}

/// Batches with records from `from` on; how many records those are.
std::uint64_t DiskLog::tell_dropped(const Segment& segment, std::uint64_t from,
                                    const std::function<void(const StoredBatch&)>& each) {
  std::uint64_t told = 0;
  const auto reader = SegmentReader::open(files_, segment_path(segment.id), origins_, blocks_);
  if (reader) (*reader)->pass_over_unreadable(true);
  while (reader) {
    StoredBatch batch;
    const Result<bool> found = (*reader)->next_behind_damage(segment.end_offset, from, batch);
    if (!found || !*found) break;
    if (batch.first_record < from || batch.end_record() > segment.end_record) continue;
    each(batch);
    told += batch.records;
  }
  return told;
}

Result<void> DiskLog::close() {
  bool good = pending_.empty() && !tail_;
  if (fd_ >= 0) {
    good = (options_.sync == QueueSync::kNever || sync_written()) && good;
    if (fd_ >= 0) files_.ftruncate(fd_, static_cast<std::int64_t>(write_offset_));
  }
  good = (!checkpoint_behind() || write_checkpoint(options_.sync != QueueSync::kNever)) && good;
  if (good) return {};
  const std::vector<std::string> notes = take_notes();
  return fail(EIO, last_error().empty() && !notes.empty() ? notes.back() : last_error());
}

// ---- what can be seen

DiskLog::Status DiskLog::status() const {
  const std::lock_guard lock(mutex_);
  Status status;
  status.records = visible_record_ - std::min(visible_record_, done_record_);
  status.segments = segments_.size();
  for (const Segment& segment : segments_) status.bytes += segment.file_bytes;
  status.bytes += spares_.size() * options_.segment_bytes;
  status.damaged_records = damaged_records_;
  status.syncs = syncs_;
  status.written_bytes = written_bytes_;
  status.failed_syncs = failed_syncs_;
  return status;
}

bool DiskLog::all_read() const {
  const std::lock_guard lock(mutex_);
  return read_record_ >= visible_record_;
}

}  // namespace penstock
