#include <cerrno>

#include "server/queue/disk_log.h"
#include "server/queue/unreadable.h"

namespace penstock {
namespace {

/// How often what a failed sync has left is read again where the disk fails to give it. Nothing else is written meanwhile.
constexpr unsigned kTailAttempts = 5;

}  // namespace

/// Reads back what a failed sync has left in the old file, mostly from the kernel's memory, and writes it to the new one.
DiskLog::RollStatus DiskLog::rewrite_tail() {
  const auto reader = SegmentReader::open(files_, tail_->path, origins_, blocks_);
  const bool lost = !reader && tail_is_lost(reader.error());
  const bool copied = reader ? copy_tail(**reader) : lost && write_pending();
  if (!copied || !claim_tail()) return RollStatus::kRetry;
  tail_.reset();
  show_written(false);
  return RollStatus::kDone;
}

bool DiskLog::claim_tail() {
  header_.first_record = synced_record_;
  const Result<void> written = write_header(fd_, header_);
  if (!written) note(written.error().message);
  return written.has_value();
}

bool DiskLog::tail_is_lost(const Error& error) {
  note(error.message);
  if (error.code == ENOENT || error.code == 0) return true;
  return is_unreadable(error.code) && ++tail_->failed_reads >= kTailAttempts;
}

/// What cannot be read for good is missing: the reading thread will count it.
bool DiskLog::copy_tail(SegmentReader& reader) {
  reader.seek(tail_->from);
  reader.pass_over_unreadable(tail_->failed_reads >= kTailAttempts);
  for (;;) {
    if (!write_pending()) return false;
    StoredBatch batch;
    const Result<bool> found = reader.next_behind_damage(tail_->to, 0, batch);
    if (!found) {
      if (is_unreadable(found.error().code)) ++tail_->failed_reads;
      note(found.error().message);
      return false;
    }
    if (!*found) return true;
    tail_->from = reader.offset();
    if (batch.batch.frames.empty()) continue;
    append_batch(pending_, batch.batch, 0, batch.batch.frames.size(), header_.epoch,
                 batch.first_record);
  }
}

}  // namespace penstock
