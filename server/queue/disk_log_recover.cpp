#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "protocols/core/errno_text.h"
#include "server/queue/disk_log.h"
#include "server/queue/unreadable.h"

namespace penstock {
namespace {

constexpr mode_t kLockMode = 0640;
/// `penstock queue` holds the lock for a moment while it looks whether somebody has it.
constexpr int kLockAttempts = 5;
constexpr std::chrono::milliseconds kLockPause{20};

bool only_zeros(std::string_view bytes) { return bytes.find_first_not_of('\0') == bytes.npos; }

/// Whether the front of the file holds anything: a segment that was being made when the machine stopped does not.
bool has_content(FileOps& files, const std::string& path) {
  const int fd = files.open(path.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return true;
  std::string front(SegmentHeader::kDataOffset, '\0');
  const std::int64_t n = files.pread(fd, front.data(), front.size(), 0);
  files.close(fd);
  return n < 0 || !only_zeros(std::string_view(front).substr(0, static_cast<std::size_t>(n)));
}

}  // namespace

Result<std::unique_ptr<DiskLog>> DiskLog::open(FileOps& files, DiskLogOptions options,
                                               OriginTable& origins, BlockSource blocks,
                                               Recovered& recovered) {
  std::unique_ptr<DiskLog> log(new DiskLog(files, std::move(options), origins, std::move(blocks)));
  for (auto step :
       {&DiskLog::make_directory, &DiskLog::lock_directory, &DiskLog::open_checkpoint}) {
    if (Result<void> done = ((*log).*step)(); !done) {
      log->undo_open();
      return tl::unexpected(done.error());
    }
  }
  if (Result<void> found = log->recover(recovered); !found) return tl::unexpected(found.error());
  return log;
}

Result<void> DiskLog::make_directory() {
  std::string failed;
  const int made = make_directories(files_, options_.directory, true, failed, &created_);
  if (made < 0) return fail(-made, "create " + failed + ": " + errno_text(made));
  return {};
}

Result<void> DiskLog::open_checkpoint() {
  bool created = false;
  Result<void> opened = checkpoint_.open(created);
  if (created) created_.add(path_of(std::string(kCheckpointName)));
  return opened;
}

Result<void> DiskLog::lock_directory() {
  const std::string path = path_of(std::string(kLockName));
  bool created = false;
  lock_fd_ = open_or_create(
      [&](int more) { return files_.open(path.c_str(), O_RDWR | O_CLOEXEC | more, kLockMode); },
      created);
  if (lock_fd_ < 0) return fail(-lock_fd_, "open " + path + ": " + errno_text(lock_fd_));
  if (created) created_.add(path);
  int locked = files_.lock(lock_fd_);
  for (int left = kLockAttempts; locked == -EWOULDBLOCK && left > 0; --left) {
    std::this_thread::sleep_for(kLockPause);
    locked = files_.lock(lock_fd_);
  }
  if (locked == -EWOULDBLOCK)
    return fail(EWOULDBLOCK, options_.directory + ": another process uses this queue");
  if (locked < 0) return fail(-locked, "lock " + path + ": " + errno_text(locked));
  return {};
}

Result<void> DiskLog::recover(Recovered& recovered) {
  const Result<std::vector<std::uint64_t>> ids = list_segments();
  if (!ids) return tl::unexpected(ids.error());
  for (const std::uint64_t id : *ids) {
    if (Result<void> added = add_found(id, recovered); !added) return added;
    next_segment_ = std::max(next_segment_, id + 1);
  }
  for (std::size_t at = 0; at + 1 < segments_.size(); ++at) {
    segments_[at].end_record = segments_[at + 1].first_record;
    segments_[at].end_offset = segments_[at].file_bytes;
  }
  if (!segments_.empty()) {
    if (Result<void> measured = measure_last(recovered); !measured) return measured;
  }
  failed_reads_ = 0;
  find_place(recovered);
  return {};
}

Result<std::vector<std::uint64_t>> DiskLog::list_segments() {
  std::vector<std::uint64_t> ids;
  const int listed = files_.list(options_.directory.c_str(), [&](std::string_view name) {
    if (const auto id = parse_segment_name(name)) ids.push_back(*id);
    if (const auto id = parse_damaged_name(name)) next_segment_ = std::max(next_segment_, *id + 1);
    if (name.starts_with(kSparePrefix)) spares_.emplace_back(name);
    return true;
  });
  if (listed < 0) return fail(-listed, "list " + options_.directory + ": " + errno_text(listed));
  std::sort(ids.begin(), ids.end());
  for (; spares_.size() > kMostSpares; spares_.pop_back())
    files_.unlink(path_of(spares_.back()).c_str());
  return ids;
}

/// Segments without records that say that they begin behind the next one's first: a tail was to be rewritten into them,
/// which went to the next one in the end (make_segment).
void DiskLog::remove_abandoned(std::uint64_t next_first) {
  while (!segments_.empty() && segments_.back().first_record > next_first) {
    const std::string path = segment_path(segments_.back().id);
    const auto reader = SegmentReader::open(files_, path, origins_, blocks_);
    StoredBatch batch;
    const Result<bool> found =
        reader ? (*reader)->next_behind_damage((*reader)->file_bytes(), 0, batch)
               : Result<bool>(true);
    if (!found || *found || files_.unlink(path.c_str()) < 0) return;
    segments_.pop_back();
  }
}

Result<void> DiskLog::add_found(std::uint64_t id, Recovered& recovered) {
  const std::string path = segment_path(id);
  const auto reader = open_found(id);
  if (!reader && is_unreadable(reader.error().code))
    return set_aside(id, reader.error().message, recovered);
  if (!reader && reader.error().code != 0) return tl::unexpected(reader.error());
  if (!reader && has_content(files_, path))
    return set_aside(id, "both copies of its header are damaged", recovered);
  const bool ours = reader && (*reader)->header().id == id;
  if (!ours) {  // it was being made when the machine stopped: nothing can be in it
    files_.unlink(path.c_str());
    return {};
  }
  const SegmentHeader& header = (*reader)->header();
  remove_abandoned(header.first_record);
  if (!segments_.empty() && header.first_record < segments_.back().first_record)
    return set_aside(id, "its records do not follow those of the segment before it", recovered);
  segments_.push_back(
      {id, header.first_record, header.first_record, 0, (*reader)->file_bytes(), false});
  return {};
}

Result<std::unique_ptr<SegmentReader>> DiskLog::open_found(std::uint64_t id) {
  for (;;) {
    auto reader = SegmentReader::open(files_, segment_path(id), origins_, blocks_);
    if (reader || !wait_to_read_again(reader.error())) return reader;
  }
}

/// False: it makes no sense, or all attempts of this start are used up.
bool DiskLog::wait_to_read_again(const Error& error) {
  if (!is_unreadable(error.code) || failed_reads_ == kReadAttempts) return false;
  ++failed_reads_;
  std::this_thread::sleep_for(options_.read_pause);
  return true;
}

Result<void> DiskLog::set_aside(std::uint64_t id, const std::string& why, Recovered& recovered) {
  const std::string path = segment_path(id);
  std::string aside;
  if (const int renamed = keep_damaged(path, aside); renamed < 0)
    return fail(-renamed, "rename " + path + " to " + aside + ": " + errno_text(renamed));
  recovered.notes.push_back(path + ": " + why + "; it is passed over and kept as " + aside);
  return {};
}

/// Where the last segment ends. A damaged batch behind which nothing follows was being written when the machine stopped,
/// unless it is known to have been synced: it was not acknowledged, and is cut as a whole.
Result<void> DiskLog::measure_last(Recovered& recovered) {
  Segment& last = segments_.back();
  const auto reader = open_found(last.id);
  if (!reader) return tl::unexpected(reader.error());
  last.end_offset = SegmentHeader::kDataOffset;
  for (;;) {
    StoredBatch batch;
    const bool behind_unreadable = (*reader)->behind_unreadable();
    const Result<bool> found =
        (*reader)->next_behind_damage(last.file_bytes, last.end_record, batch);
    if (!found && wait_to_read_again(found.error())) continue;
    if (!found && !is_unreadable(found.error().code)) return tl::unexpected(found.error());
    (*reader)->pass_over_unreadable(!found || failed_reads_ == kReadAttempts);
    if (!found) continue;
    const std::string unreadable = (*reader)->take_passed_over();
    if (!unreadable.empty())
      recovered.notes.push_back(unreadable + "; what stood there is passed over");
    if (!*found) {
      recovered.torn_bytes = (*reader)->offset() - last.end_offset;
      return {};
    }
    const bool torn = batch.damaged != 0 && unreadable.empty() && behind_unreadable;
    if (torn && batch.first_record >= checkpoint_.last().durable) continue;
    last.end_offset = (*reader)->offset();
    last.end_record = std::max(last.end_record, batch.end_record());
  }
}

/// Where reading and writing go on.
void DiskLog::find_place(Recovered& recovered) {
  const Checkpoint& last = checkpoint_.last();
  next_record_ = std::max(last.durable, last.delivered);
  done_record_ = last.delivered;
  if (!segments_.empty()) {
    next_record_ = std::max(next_record_, segments_.back().end_record);
    segments_.back().end_record = next_record_;
    const std::uint64_t first = segments_.front().first_record;
    if (!checkpoint_.found() || checkpoint_.damaged()) done_record_ = std::max(done_record_, first);
    if (!checkpoint_.found() && first != 1)
      recovered.notes.push_back(options_.directory +
                                ": the checkpoint is missing, everything is delivered again");
    if (checkpoint_.damaged())
      recovered.notes.push_back(
          options_.directory +
          ": a slot of the checkpoint is damaged, some records may be delivered again");
  }
  if (segments_.empty() && next_record_ > done_record_) {
    damaged_records_ = next_record_ - done_record_;
    done_record_ = next_record_;
    recovered.notes.push_back(options_.directory + ": no segment is left of " +
                              std::to_string(damaged_records_) + " records");
  }
  first_own_record_ = visible_record_ = next_record_;
  durable_record_ = segments_.empty() || sync_last() ? next_record_ : last.durable;
  written_record_ = synced_record_ = next_record_;
  read_record_ = done_record_;
  recovered.records = next_record_ - std::min(next_record_, done_record_);
  recovered.segments = segments_.size();
  free_delivered();
}

/// What a process that was killed has written is in the kernel's memory, and perhaps not yet on the disk.
bool DiskLog::sync_last() {
  if (options_.sync == QueueSync::kNever) return true;
  const int fd = files_.open(segment_path(segments_.back().id).c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  const int synced = files_.fdatasync(fd);
  files_.close(fd);
  return synced == 0;
}

}  // namespace penstock
