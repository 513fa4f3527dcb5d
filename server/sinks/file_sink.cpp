#include "server/sinks/file_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "protocols/core/check.h"
#include "server/pipeline/frame_ranges.h"
#include "server/sinks/open_file.h"
#include "server/sinks/take_back.h"

namespace penstock {
namespace {

constexpr std::size_t kMaxWriteBytes = std::size_t{1}
                                       << 20;       // an interrupt is seen between two writes
constexpr std::chrono::seconds kReaderPatience{1};  // of one write() with a FIFO that stands still

}  // namespace

FileSink::FileSink(const config::Sink& config, FileOps& files)
    : config_(config),
      files_(files),
      encoder_(make_encoder(config)),
      table_(files),
      rotator_(config, files) {
  config_.max_open_files = std::max<std::size_t>(config_.max_open_files, 1);
}

Result<void> FileSink::open() {
  const std::string name = "sink \"" + config_.name + "\": ";
  auto path = PathTemplate::parse(config_.path, config_.timezone,
                                  rotator_.enabled() ? kArchiveSuffixBytes : 0);
  if (!path) return fail(EINVAL, name + "path \"" + config_.path + "\": " + path.error().message);
  router_.emplace(std::move(*path), table_);
  const std::string& base = router_->path().base_directory();
  std::string failed;
  created_.emplace();
  if (const int made = make_directories(files_, base, durable(), failed, &*created_); made < 0) {
    return fail(-made, name + "create directory " + failed + ": " + errno_text(made));
  }
  last_sync_ = Clock::now();
  start_keeper();
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
  keeper_.reset();
  if (!created_) return;
  created_->remove();  // while they are open: no other file can have the number of ours
  created_.reset();
  while (!table_.open().empty()) table_.close(*table_.open().front());
}

WriteStatus FileSink::write(const Batch& batch) {
  created_.reset();
  begin_keeping();
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
    Piece piece = chain.piece(part.place, buffer_);
    if (rotator_.enabled() && !make_fit(chain, part, piece)) return;
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
  if (!file.torn_tail.empty()) file.torn_tail.erase(0, write_out(file, file.torn_tail));
  return file.torn_tail.empty();
}

std::string FileSink::ending_of(const Part& part) const {
  return RecordChain(*plan_.batch(), plan_.next(), *encoder_).ending(part.place);
}

// A part that is written is done, with sync = "always" once it is synced. False: its records are to be written again.
bool FileSink::sync_part(Part& part) {
  if (config_.sync != config::Sync::kAlways || part.file->fd < 0) {
    part.done = part.written();
    return true;
  }
  if (const int result = sync_file(*part.file); result < 0) {
    note("sync", *part.file, result);
    if (!take_back_session(files_, part, ending_of(part)))
      report(log::Level::kWarn, "written again after a failed sync: records may appear twice",
             *part.file);
    return false;
  }
  part.in_session = false;
  part.done = part.written();
  return true;
}

std::vector<FrameRange> FileSink::abandon(const Batch& batch) {
  interrupt_.clear();
  std::vector<FrameRange> undelivered;
  if (plan_.batch() == nullptr) return {{0, batch.frames.size()}};
  PENSTOCK_CHECK(plan_.batch() == &batch);
  const RecordChain chain(batch, plan_.next(), *encoder_);
  for (Part& part : plan_.parts()) {
    if (part.torn() && !cut_torn_record(files_, part, chain.ending(part.place)))
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
  begin_keeping();
  reopen_if_asked();
  open_when_possible();
  rotate_when_due();
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
  if (keeper_) keeper_->stop();
  return result;
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
