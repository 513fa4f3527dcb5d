// Rotation of a sink's files, and the thread that looks after the archives.
#include <algorithm>
#include <cerrno>

#include "server/sinks/file_sink.h"
#include "server/sinks/take_back.h"

namespace penstock {

// The thread is made while a failure can still end the start; it does nothing before the first write() or tick().
void FileSink::start_keeper() {
  const bool needed =
      config_.rotate.keep != 0 || config_.rotate.compress != config::Compress::kNone;
  if (rotator_.enabled() && needed) keeper_ = std::make_unique<ArchiveKeeper>(config_, files_);
  keeping_ = false;
}

void FileSink::begin_keeping() {
  if (keeping_ || keeper_ == nullptr) return;
  keeping_ = true;
  keeper_->tidy_all();
  // Where a symbolic link leads, no template goes.
  std::string real;
  if (router_->path().is_static() && files_.real_path(config_.path.c_str(), real) == 0)
    keeper_->tidy(real);
}

// `piece` is what comes next in the part. Moves the part's file out of the way where that is due or the next record
// would make it too large, and cuts the piece to what the file then takes: a file exceeds its size only where a single
// record does. Never within a record. False: write() has to try again.
bool FileSink::make_fit(const RecordChain& chain, Part& part, Piece& piece) {
  OutFile& file = *part.file;
  if (!file.regular) return true;
  const std::int64_t now = rotator_.now_ns();
  if (!part.torn() && is_full(chain, part, piece, now)) {
    if (rotate(file, now) == Rotation::kUnsynced) return false;
    if (ensure_open(file) < 0) return false;
    if (const int result = begin_session(files_, part); result < 0) {
      note("stat", file, result);
      return false;
    }
  }
  const std::int64_t room = std::max<std::int64_t>(rotator_.limit(file, now) - size_of(part), 0);
  if (piece.bytes.size() > static_cast<std::size_t>(room))
    piece = chain.front(part.place, piece, static_cast<std::size_t>(room));
  return true;
}

// An empty file is never rotated: its period begins with its first record.
bool FileSink::is_full(const RecordChain& chain, const Part& part, const Piece& piece,
                       std::int64_t now_ns) {
  OutFile& file = *part.file;
  const std::int64_t size = size_of(part);
  if (rotator_.is_due(file, now_ns) && time_is_up(file, size, now_ns)) return true;
  const std::int64_t limit = rotator_.limit(file, now_ns);
  return size > 0 && static_cast<std::int64_t>(piece.bytes.size()) > limit - size &&
         static_cast<std::int64_t>(chain.rest_of_record(part.place)) > limit - size;
}

// Of a file whose period is over.
bool FileSink::time_is_up(OutFile& file, std::int64_t size, std::int64_t now_ns) {
  if (!router_->is_path_of(file, now_ns / 1'000'000'000)) {
    Rotator::leave(file);
    return false;
  }
  if (size == 0) rotator_.begin_period(file, now_ns);
  return size > 0;
}

// The order: sync what waits for an acknowledgement, under the name under which it was written; rename; close. Opening the
// new file and syncing the directory, which makes both names durable, come with the next record, before it is
// acknowledged. A crash in between leaves all records in the archive and no file at the path.
FileSink::Rotation FileSink::rotate(OutFile& file, std::int64_t now_ns) {
  Part* part = file.part == kNoPart ? nullptr : &plan_.parts()[file.part];
  if (part != nullptr && part->in_session && config_.sync == config::Sync::kAlways) {
    if (!sync_part(*part)) return Rotation::kUnsynced;
  } else if (durable() && sync_file(file) < 0) {
    report(log::Level::kError,
           "sync before rotation failed: records since the last one may be lost", file);
  }
  if (part != nullptr) part->in_session = false;
  std::string real_path;
  int error = 0;
  switch (rotator_.move(file, now_ns, real_path, error)) {
    case Rotator::Moved::kNo:
      failed_rotations_.fetch_add(1, std::memory_order_relaxed);
      report(log::Level::kWarn,
             "rotation failed, writing goes on into the same file: " + errno_text(error), file);
      return Rotation::kStays;
    case Rotator::Moved::kGone:
      report(log::Level::kWarn, "somebody else has moved the file, going on in a new one", file);
      break;
    case Rotator::Moved::kYes:
      rotations_.fetch_add(1, std::memory_order_relaxed);
      log::debug("file rotated", {{"sink", config_.name}, {"path", file.path}});
      break;
  }
  let_go(file);
  if (!real_path.empty() && keeper_) keeper_->tidy(real_path);
  return Rotation::kDone;
}

// A file that gets no records any more has its time, too. One whose name holds a peer is made again with its next record.
void FileSink::rotate_when_due() {
  if (!rotator_.by_time()) return;
  const std::int64_t now = rotator_.now_ns();
  std::vector<OutFile*> due;
  for (OutFile* file : table_.open()) {
    if (file->part == kNoPart && rotator_.is_due(*file, now)) due.push_back(file);
  }
  for (OutFile* file : due) {
    struct stat status {};
    if (files_.fstat(file->fd, status) < 0 || !time_is_up(*file, status.st_size, now)) continue;
    if (rotate(*file, now) == Rotation::kDone) open_when_possible();
  }
}

std::int64_t FileSink::size_of(const Part& part) noexcept {
  return part.session_size + part.session_written;
}

}  // namespace penstock
