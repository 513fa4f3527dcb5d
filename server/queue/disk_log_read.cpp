#include <algorithm>
#include <cerrno>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/queue/disk_log.h"
#include "server/queue/unreadable.h"

namespace penstock {
void DiskLog::note_reading(std::string error) {
  const std::lock_guard lock(mutex_);
  read_error_ = std::move(error);
}

void DiskLog::add_note(std::string note) {
  const std::lock_guard lock(mutex_);
  if (notes_.size() < kMostNotes) notes_.push_back(std::move(note));
}

std::vector<std::string> DiskLog::take_notes() {
  const std::lock_guard lock(mutex_);
  return std::exchange(notes_, {});
}

std::string DiskLog::read_error() const {
  const std::lock_guard lock(mutex_);
  return read_error_;
}

std::uint64_t DiskLog::read_record() const {
  const std::lock_guard lock(mutex_);
  return read_record_;
}

std::uint64_t DiskLog::done_record() const {
  const std::lock_guard lock(mutex_);
  return done_record_;
}

DiskLog::ReadStatus DiskLog::next(StoredBatch& out) {
  for (;;) {
    if (!reader_) {
      if (const auto nothing = open_reader()) return *nothing;
      continue;
    }
    const std::optional<Limit> limit = limit_of_reading();
    if (!limit) {  // it was dropped
      reader_.reset();
      continue;
    }
    const Result<bool> found = reader_->next(limit->offset, out);
    const Result<bool> passed =
        found && !*found ? pass_over_damage(*limit) : Result<bool>(found.has_value());
    if (!found || !passed) {
      if (!give_up_reading((!found ? found : passed).error())) return ReadStatus::kError;
      reader_->pass_over_unreadable(true);
      continue;
    }
    after_reading(*found);
    if (*found && accept(out, *limit)) return ReadStatus::kBatch;
    if (*found || *passed) continue;
    if (limit->active) return ReadStatus::kNothing;
    leave_segment();
  }
}

/// True where the disk has failed to give this so often that it is passed over.
bool DiskLog::give_up_reading(const Error& error) {
  note_reading(error.message);
  return is_unreadable(error.code) && ++failed_reads_ >= kReadAttempts;
}

void DiskLog::after_reading(bool found) {
  if (const std::string what = reader_->take_passed_over(); !what.empty())
    add_note(what + "; what stood there is passed over and counted as damaged");
  if (!found || !reader_->behind_unreadable()) return;
  failed_reads_ = 0;
  reader_->pass_over_unreadable(false);
}

/// Nothing: a reader is open, or one segment is passed.
std::optional<DiskLog::ReadStatus> DiskLog::open_reader() {
  Segment segment;
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(segments_.begin(), segments_.end(),
                                    [&](const Segment& each) { return each.id > reading_; });
    if (found == segments_.end()) return ReadStatus::kNothing;
    segment = *found;
    const bool active = active_ && segment.id == segments_.back().id;
    if (!active && segment.end_record <= read_record_) {
      reading_ = segment.id;
      return std::nullopt;
    }
  }
  auto reader = SegmentReader::open(files_, segment_path(segment.id), origins_, blocks_);
  reading_ = segment.id;
  if (reader && (*reader)->header().id == segment.id) {
    reader_ = std::move(*reader);
    return std::nullopt;
  }
  const int code = reader ? 0 : reader.error().code;
  note_reading(reader ? segment_path(segment.id) + ": another segment" : reader.error().message);
  if (code != 0 && code != ENOENT && !give_up_reading(reader.error())) {
    reading_ = segment.id - 1;
    return ReadStatus::kError;
  }
  if (code != ENOENT)  // else it was dropped, or somebody has taken it away
    add_note(read_error() +
             "; the segment is passed over, what is undelivered of it counts as damaged");
  leave_segment();
  return std::nullopt;
}

std::optional<DiskLog::Limit> DiskLog::limit_of_reading() const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& each) { return each.id == reading_; });
  if (found == segments_.end()) return std::nullopt;
  if (active_ && found->id == segments_.back().id)
    return Limit{visible_offset_, tail_segment_ == 0 ? visible_record_ : tail_record_, true};
  return Limit{found->end_offset, found->end_record, false};
}

/// Whether the batch is to be delivered: not what was read or dropped already, nor what another segment has instead.
bool DiskLog::accept(const StoredBatch& batch, const Limit& limit) {
  const std::lock_guard lock(mutex_);
  if (batch.end_record() <= read_record_ || batch.first_record >= limit.record) return false;
  count_missing_until(batch.first_record);
  if (batch.damaged != 0) {
    damaged_records_ += batch.damaged;
    if (Segment* segment = find_segment(reading_)) segment->damaged = true;
  }
  read_record_ = batch.end_record();
  return !batch.batch.frames.empty();
}

/// Under the mutex.
void DiskLog::count_missing_until(std::uint64_t record) {
  if (record <= read_record_) return;
  damaged_records_ += record - read_record_;
  if (Segment* segment = find_segment(reading_)) segment->damaged = true;
  read_record_ = record;
}

DiskLog::Segment* DiskLog::find_segment(std::uint64_t id) {
  const auto found = std::find_if(segments_.begin(), segments_.end(),
                                  [&](const Segment& each) { return each.id == id; });
  return found == segments_.end() ? nullptr : &*found;
}

/// Where no batch stands although the limit is not reached. True: reading goes on behind the damage.
Result<bool> DiskLog::pass_over_damage(const Limit& limit) {
  const std::uint64_t expected = read_record();
  if (expected >= limit.record) return false;
  Result<bool> found = reader_->search(limit.offset, expected);
  if (!found || *found || !limit.active) return found;
  reader_->seek(limit.offset);
  const std::lock_guard lock(mutex_);
  count_missing_until(limit.record);
  return false;
}

void DiskLog::leave_segment() {
  reader_.reset();
  failed_reads_ = 0;
  const std::lock_guard lock(mutex_);
  if (const Segment* segment = find_segment(reading_)) count_missing_until(segment->end_record);
}

// ---- what is delivered

bool DiskLog::delivered(std::uint64_t end) {
  {
    const std::lock_guard lock(mutex_);
    if (end <= done_record_) return false;
    done_record_ = end;
    checkpoint_behind_ = true;
  }
  return free_delivered();
}

void DiskLog::tick() {
  if (checkpoint_behind()) write_checkpoint(false);
  free_delivered();
}

bool DiskLog::checkpoint_behind() {
  const std::lock_guard writing(checkpoint_mutex_);
  const std::lock_guard lock(mutex_);
  return checkpoint_behind_ || durable_record_ != checkpoint_.last().durable;
}

/// Either thread.
bool DiskLog::write_checkpoint(bool synced) {
  const std::lock_guard writing(checkpoint_mutex_);
  std::uint64_t done = 0, durable = 0;
  {
    const std::lock_guard lock(mutex_);
    done = done_record_;
    durable = durable_record_;
    checkpoint_behind_ = false;
  }
  Result<void> written = checkpoint_.write(done, durable);
  if (written && synced) written = checkpoint_.sync();
  if (written) return true;
  add_note("the checkpoint stays behind: " + written.error().message);
  const std::lock_guard lock(mutex_);
  checkpoint_behind_ = true;
  return false;
}

/// From the front. The checkpoint is on disk before a file goes, else a power cut would show a gap.
bool DiskLog::free_delivered() {
  bool checkpointed = false, freed = false;
  for (;;) {
    Segment front;
    {
      const std::lock_guard lock(mutex_);
      if (segments_.size() < (active_ ? 2u : 1u)) break;
      front = segments_.front();
      if (front.end_record > done_record_ || (reader_ && front.id == reading_)) break;
      if (front.id == tail_segment_) break;
    }
    if (!checkpointed && !write_checkpoint(options_.sync != QueueSync::kNever)) break;
    checkpointed = true;
    if (!free_file(front)) break;
    freed = true;
    const std::lock_guard lock(mutex_);
    if (!segments_.empty() && segments_.front().id == front.id) segments_.pop_front();
  }
  if (freed && options_.sync != QueueSync::kNever) sync_directory(files_, options_.directory);
  return freed;
}

/// Renames it; ids begin anew where no segment was left, so older ones may have its name.
int DiskLog::keep_damaged(const std::string& path, std::string& kept_as) {
  int renamed = -EEXIST;
  for (unsigned nth = 1; renamed == -EEXIST && nth <= kMostDamagedNames; ++nth) {
    kept_as = damaged_name(path, nth);
    renamed = files_.rename(path.c_str(), kept_as.c_str());
  }
  return renamed;
}

/// A damaged one stays for who wants to look at it; two others are kept to be written to again.
bool DiskLog::free_file(const Segment& segment) {
  const std::string path = segment_path(segment.id);
  std::string spare;
  {
    const std::lock_guard lock(mutex_);
    if (spares_.size() < kMostSpares && segment.file_bytes == options_.segment_bytes)
      spare = std::string(kSparePrefix) + std::to_string(segment.id);
  }
  int done = 0;
  if (std::string kept_as; segment.damaged) {
    done = keep_damaged(path, kept_as);
  } else if (spare.empty() || files_.rename(path.c_str(), path_of(spare).c_str()) < 0) {
    spare.clear();
    done = files_.unlink(path.c_str());
  }
  if (done < 0 && done != -ENOENT) {
    add_note("what is delivered takes up room: remove " + path + ": " + errno_text(done));
    return false;
  }
  if (spare.empty() || segment.damaged) return true;
  const std::lock_guard lock(mutex_);
  spares_.push_back(spare);
  return true;
}

}  // namespace penstock
