// The files of a sink: opening, closing, syncing, reopening.
#include <algorithm>
#include <cerrno>

#include "server/sinks/file_sink.h"
#include "server/sinks/open_file.h"
#include "server/sinks/take_back.h"

namespace penstock {
namespace {

constexpr std::int64_t kOutdatedAfterSeconds = 10;  // a file of a past hour or day is closed then

}  // namespace

int FileSink::ensure_open(OutFile& file) {
  if (file.fd >= 0) {
    table_.touch(file);
    return 0;
  }
  while (table_.open().size() >= config_.max_open_files && close_one()) {
  }
  CreatedPaths* created = created_ ? &*created_ : nullptr;
  const auto open = [&] {
    return open_for_append(files_, file.path, durable(), *encoder_, file.known_end, created);
  };
  auto opened = open();
  while (!opened && (opened.error().code == EMFILE || opened.error().code == ENFILE) &&
         close_one()) {
    opened = open();
  }
  if (!opened) {
    note(opened.error().message);
    return -opened.error().code;
  }
  table_.opened(file, opened->fd);
  file.regular = opened->regular;
  file.unsynced_name = opened->created && durable();
  file.unsynced = opened->repaired;
  rotator_.opened(file, opened->written_at);
  if (opened->repaired) {
    repaired_.fetch_add(1, std::memory_order_relaxed);
    report(log::Level::kWarn,
           opened->cut_bytes == 0
               ? "the file did not end in a newline: its torn last record was ended"
               : "the file ended in a torn record, which was cut off: " +
                     std::to_string(opened->cut_bytes) + " bytes",
           file);
  }
  if (!file.regular && rotator_.enabled())
    report(log::Level::kWarn, "not a regular file: it is never rotated", file);
  return 0;
}

// Closes the file that was not used for longest. False when none can be closed.
bool FileSink::close_one() {
  const auto& open = table_.open();
  const auto victim =
      std::find_if(open.rbegin(), open.rend(), [this](const OutFile* f) { return !pinned(*f); });
  if (victim == open.rend()) return false;
  close_file(**victim);
  return true;
}

// The path still leads to the FIFO that is open. It keeps its descriptor: closing it would end the reader's stream, and
// what is in the pipe would be gone where there is no reader. The next reader finds it, and what follows continues it.
bool FileSink::is_same_fifo(const OutFile& file) {
  struct stat ours {};
  struct stat there {};
  return files_.fstat(file.fd, ours) == 0 && S_ISFIFO(ours.st_mode) &&
         files_.stat(file.path.c_str(), there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

// A record that is half in a pipe can only be finished through the same descriptor.
bool FileSink::pinned(const OutFile& file) {
  return file.part != kNoPart && !file.regular && plan_.parts()[file.part].torn();
}

int FileSink::close_file(OutFile& file) {
  Part* part = file.part == kNoPart ? nullptr : &plan_.parts()[file.part];
  if (part != nullptr && part->torn() && !cut_torn_record(files_, *part, ending_of(*part))) {
    report(log::Level::kWarn, "a torn record could not be cut off", file);
  }
  int result = 0;
  if (part != nullptr && part->in_session && !part->done && config_.sync == config::Sync::kAlways) {
    sync_part(*part);
  } else if (durable()) {
    result = sync_file(file);
    if (result < 0)
      report(log::Level::kError,
             "sync before closing failed: records since the last one may be lost", file);
  }
  if (part != nullptr) part->in_session = false;
  // What is in a pipe goes with its last descriptor, and it counts as delivered.
  if (!file.regular && files_.unread(file.fd) > 0) {
    result = -EPIPE;
    report(log::Level::kError, "a FIFO is closed that nobody reads: the records in it are lost",
           file);
  }
  const int closed = let_go(file);
  return result < 0 ? result : closed;
}

int FileSink::let_go(OutFile& file) {
  const int closed = table_.close(file);
  if (closed < 0)
    report(log::Level::kError, "close failed: the last records may be lost: " + errno_text(closed),
           file);
  return closed;
}

int FileSink::sync_file(OutFile& file) {
  int result = 0;
  if (file.unsynced_name) {
    result = sync_directory(files_, parent_directory(file.path));
    // The directory was renamed or removed by somebody else: the name that we gave the file is no more, so there is
    // nothing of ours to make durable, now or later. Its new name is theirs to sync; the records are synced below.
    if (result == -ENOENT || result == -ENOTDIR) result = 0;
    if (result == 0) file.unsynced_name = false;
  }
  if (result == 0 && file.unsynced && file.regular) {
    do {
      result = files_.fdatasync(file.fd);
    } while (result == -EINTR);
    if (result == -EINVAL || result == -EROFS) result = 0;  // a file system without sync
    // After a failure the pages count as clean: a second try would prove nothing.
    file.unsynced = false;
  }
  if (result < 0) failed_syncs_.fetch_add(1, std::memory_order_relaxed);
  return result;
}

void FileSink::reopen_if_asked() {
  if (!reopen_.exchange(false)) return;
  std::vector<OutFile*> open(table_.open().begin(), table_.open().end());
  for (OutFile* file : open) {
    if (!pinned(*file) && !is_same_fifo(*file)) close_file(*file);
  }
  open_when_possible();
}

// A rotator that waits for the new file finds it, and so does a FIFO's reader that waits for us to open it. What fails
// here is tried again by the next tick() or write().
void FileSink::open_when_possible() {
  if (!router_->path().is_static()) return;
  OutFile& file = router_->file_for({});
  if (file.fd < 0) ensure_open(file);
}

void FileSink::sync_if_due(Clock::time_point now) {
  if (config_.sync != config::Sync::kInterval || now - last_sync_ < config_.sync_interval) return;
  last_sync_ = now;
  for (OutFile* file : table_.open()) {
    if (sync_file(*file) < 0)
      report(log::Level::kError, "sync failed: records since the last one may be lost", *file);
  }
}

void FileSink::close_outdated() {
  if (table_.open().empty()) return;
  router_->advance(files_.now_ns());
  std::vector<OutFile*> outdated;
  for (OutFile* file : table_.open()) {
    if (file->epoch != router_->epoch() && file->part == kNoPart &&
        router_->second() - file->used > kOutdatedAfterSeconds) {
      outdated.push_back(file);
    }
  }
  for (OutFile* file : outdated) close_file(*file);
}

}  // namespace penstock
