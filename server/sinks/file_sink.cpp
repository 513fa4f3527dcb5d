#include "server/sinks/file_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "protocols/core/check.h"
#include "server/sinks/open_file.h"
#include "server/sinks/take_back.h"

namespace penstock {
namespace {

constexpr std::size_t kMaxWriteBytes = std::size_t{1}
                                       << 20;       // an interrupt is seen between two writes
constexpr std::chrono::seconds kReaderPatience{1};  // of one write() with a FIFO that stands still
constexpr std::int64_t kOutdatedAfterSeconds = 10;  // a file of a past hour or day is closed then

}  // namespace

FileSink::FileSink(const config::Sink& config, FileOps& files)
    : config_(config),
      files_(files),
      encoder_(std::make_unique<RawEncoder>(config.newlines)),
      table_(files) {
  config_.max_open_files = std::max<std::size_t>(config_.max_open_files, 1);
}

Result<void> FileSink::open() {
  const std::string name = "sink \"" + config_.name + "\": ";
  auto path = PathTemplate::parse(config_.path, config_.timezone);
  if (!path) return fail(EINVAL, name + "path \"" + config_.path + "\": " + path.error().message);
  router_.emplace(std::move(*path), table_);
  const std::string& base = router_->path().base_directory();
  std::string failed;
  created_.emplace();
  if (const int made = make_directories(files_, base, durable(), failed, &*created_); made < 0) {
    return fail(-made, name + "create directory " + failed + ": " + errno_text(made));
  }
  last_sync_ = Clock::now();
  if (!router_->path().is_static()) {
    const int allowed = files_.access(base.c_str(), W_OK | X_OK);
    if (allowed < 0) return fail(-allowed, name + base + ": " + errno_text(allowed));
    return {};
  }
  error_.clear();
  OutFile& file = router_->file_for({});
  const int opened = ensure_open(file);
  if (opened == -EPIPE) {
    report(log::Level::kWarn, "nobody reads the FIFO, its records wait until somebody does", file);
  } else if (opened < 0) {
    return fail(EIO, name + error_);
  }
  return {};
}

void FileSink::undo_open() noexcept {
  if (!created_) return;
  created_->remove();  // while they are open: no other file can have the number of ours
  created_.reset();
  while (!table_.open().empty()) table_.close(*table_.open().front());
}

WriteStatus FileSink::write(const Batch& batch) {
  created_.reset();
  const Clock::time_point now = Clock::now();
  error_.clear();
  give_up_ = now + kReaderPatience;
  if (plan_.batch() == nullptr) {
    router_->begin_batch();
    plan_.start(batch, *router_, *encoder_);
  }
  PENSTOCK_CHECK(plan_.batch() == &batch);
  reopen_if_asked();
  const RecordChain chain(batch, plan_.next(), *encoder_);
  for (Part& part : plan_.parts()) {
    if (interrupt_.requested()) break;
    part.file->used = router_->second();
    if (!part.done && !part.written()) write_part(chain, part);
  }
  bool done = true;
  for (Part& part : plan_.parts()) {
    if (!part.done && part.written() && !interrupt_.requested()) sync_part(part);
    done = done && part.done;
  }
  buffer_.shrink();
  sync_if_due(now);
  if (done) {
    plan_.finish();
    return WriteStatus::kDelivered;
  }
  if (interrupt_.requested()) note("interrupted");
  return WriteStatus::kRetry;
}

void FileSink::write_part(const RecordChain& chain, Part& part) {
  OutFile& file = *part.file;
  if (file.reader_gone && !is_same_fifo(file)) close_file(file);  // another one may have a reader
  if (ensure_open(file) < 0 || !end_torn_tail(file)) return;
  if (const int result = begin_session(files_, part); result < 0) return note("stat", file, result);
  while (!part.written()) {
    const Piece piece = chain.piece(part.place, buffer_);
    const std::size_t out = write_out(file, piece.bytes);
    part.session_written += static_cast<std::int64_t>(out);
    if (out == piece.bytes.size()) {
      part.place = piece.end;
      continue;
    }
    part.place = chain.advance(part.place, out);
    return;
  }
}

std::size_t FileSink::write_out(OutFile& file, std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (interrupt_.requested()) {
      note("interrupted");
      break;
    }
    const std::int64_t n =
        files_.write(file.fd, bytes.data() + done, std::min(bytes.size() - done, kMaxWriteBytes));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      file.reader_gone = false;
      if (!file.regular) give_up_ = Clock::now() + kReaderPatience;
      continue;
    }
    if (n == -EINTR || (n == -EAGAIN && interrupt_.wait_writable(file.fd, give_up_))) continue;
    if (n == -EAGAIN) {
      note("write " + file.path + ": full, nobody reads it");
    } else if (n == -EPIPE) {
      file.reader_gone = true;
      note("nobody reads FIFO " + file.path);
    } else {
      note("write", file, n == 0 ? ENOSPC : static_cast<int>(n));
    }
    break;
  }
  file.unsynced = file.unsynced || done != 0;
  return done;
}

bool FileSink::end_torn_tail(OutFile& file) {
  if (file.torn_tail && write_out(file, "\n") == 1) file.torn_tail = false;
  return !file.torn_tail;
}

// A part that is written is done, with sync = "always" once it is synced.
void FileSink::sync_part(Part& part) {
  if (config_.sync != config::Sync::kAlways || part.file->fd < 0) {
    part.done = true;
    return;
  }
  if (const int result = sync_file(*part.file); result < 0) {
    note("sync", *part.file, result);
    if (!take_back_session(files_, part))
      report(log::Level::kWarn, "written again after a failed sync: records may appear twice",
             *part.file);
    return;
  }
  part.in_session = false;
  part.done = part.written();
}

std::vector<FrameRange> FileSink::abandon(const Batch& batch) {
  interrupt_.clear();
  std::vector<FrameRange> undelivered;
  if (plan_.batch() == nullptr) return {{0, batch.frames.size()}};
  PENSTOCK_CHECK(plan_.batch() == &batch);
  const RecordChain chain(batch, plan_.next(), *encoder_);
  for (Part& part : plan_.parts()) {
    if (part.torn() && !cut_torn_record(files_, part))
      report(log::Level::kWarn, "a torn record could not be cut off", *part.file);
    if (part.in_session && !part.done) sync_part(part);
    chain.remaining(part.place, undelivered);
  }
  plan_.finish();
  merge_ranges(undelivered);
  return undelivered;
}

void FileSink::tick() {
  const Clock::time_point now = Clock::now();
  reopen_if_asked();
  open_when_possible();
  sync_if_due(now);
  close_outdated();
}

Result<void> FileSink::close() {
  Result<void> result;
  while (!table_.open().empty()) {
    OutFile& file = *table_.open().front();
    const int code = close_file(file);
    if (code < 0 && result) {
      result = fail(-code,
                    "sink \"" + config_.name + "\": close " + file.path + ": " + errno_text(code));
    }
  }
  return result;
}

int FileSink::ensure_open(OutFile& file) {
  if (file.fd >= 0) {
    table_.touch(file);
    return 0;
  }
  while (table_.open().size() >= config_.max_open_files && close_one()) {
  }
  CreatedPaths* created = created_ ? &*created_ : nullptr;
  auto opened = open_for_append(files_, file.path, durable(), created);
  while (!opened && (opened.error().code == EMFILE || opened.error().code == ENFILE) &&
         close_one()) {
    opened = open_for_append(files_, file.path, durable(), created);
  }
  if (!opened) {
    note(opened.error().message);
    return -opened.error().code;
  }
  table_.opened(file, opened->fd);
  file.regular = opened->regular;
  file.unsynced_name = opened->created && durable();
  file.unsynced = opened->repaired;
  if (opened->repaired) {
    repaired_.fetch_add(1, std::memory_order_relaxed);
    report(log::Level::kWarn,
           "the file did not end in a newline: one was added behind its torn last record", file);
  }
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
  if (part != nullptr && part->torn() && !cut_torn_record(files_, *part)) {
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
  const int closed = table_.close(file);
  if (closed < 0)
    report(log::Level::kError, "close failed: the last records may be lost: " + errno_text(closed),
           file);
  return result < 0 ? result : closed;
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

void FileSink::note(std::string error) {
  if (error_.empty()) error_ = std::move(error);
}

void FileSink::note(const char* what, const OutFile& file, int code) {
  note(std::string(what) + ' ' + file.path + ": " + errno_text(code));
}

void FileSink::report(log::Level level, std::string_view message, const OutFile& file) {
  std::uint64_t suppressed = 0;
  log::RateLimit& limit = level == log::Level::kError ? errors_ : warnings_;
  if (!limit.allow(log::steady_ms(), suppressed)) return;
  log::write(level, message,
             {{"sink", config_.name}, {"path", file.path}, {"suppressed", suppressed}});
}

}  // namespace penstock
