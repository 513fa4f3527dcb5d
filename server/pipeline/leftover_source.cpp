#include "server/pipeline/leftover_source.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <numeric>
#include <system_error>
#include <utility>
#include <vector>

#include "server/pipeline/leftover.h"

namespace penstock {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kReadAgain{1};
constexpr std::chrono::milliseconds kLeftoverCheckpointInterval{200};

std::vector<std::string> directories_in(const std::string& directory, std::error_code& error) {
  std::vector<std::string> found;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::error_code unknown;
    if (it->is_directory(unknown)) found.push_back(it->path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Of a log that is delivered. Its lock goes last; what is set aside as damaged stays, and what others have put there.
void remove_files_of(const std::string& directory) {
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (DiskLog::owns(it->path().filename().string())) files.push_back(it->path());
  }
  std::partition(files.begin(), files.end(),
                 [](const fs::path& path) { return path.filename() != "lock"; });
  for (const fs::path& file : files) fs::remove(file, error);
}

}  // namespace

LeftoverSource::LeftoverSource(std::string sink, std::string directory, FileOps& files,
                               BlockPool& pool, FindRoute find_route, BatchSource& queue)
    : sink_(std::move(sink)),
      directory_(std::move(directory)),
      files_(files),
      pool_(pool),
      queue_(queue),
      delivery_(std::move(find_route)) {}

void LeftoverSource::open() {
  std::error_code error;
  for (const std::string& directory : directories_in(directory_, error)) open_log(directory);
  if (error && error != std::errc::no_such_file_or_directory)
    log::error("what stops have left over cannot be listed, it stays",
               {{"sink", sink_}, {"path", directory_}, {"reason", error.message()}});
  remove_delivered();
}

void LeftoverSource::open_log(const std::string& directory) {
  DiskLogOptions options;
  options.directory = directory;
  options.sync = QueueSync::kInterval;
  DiskLog::Recovered recovered;
  auto opened = DiskLog::open(
      files_, std::move(options), origins_, [this](std::size_t bytes) { return pool_.take(bytes); },
      recovered);
  if (!opened) {
    log::error("what a stop has left over cannot be opened, it stays",
               {{"sink", sink_}, {"path", directory}, {"reason", opened.error().message}});
    return;
  }
  for (const std::string& note : recovered.notes)
    log::warn("leftover", {{"sink", sink_}, {"note", note}});
  if (recovered.records != 0) {
    delivering_ = true;
    log::info("delivering what a stop has left over",
              {{"sink", sink_}, {"path", directory}, {"records", recovered.records}});
  }
  logs_.push_back({directory, std::move(*opened)});
}

void LeftoverSource::undo_open() noexcept {
  for (const Log& each : logs_) each.log->undo_open();
  logs_.clear();
}

std::optional<QueueEntry> LeftoverSource::pop(std::chrono::milliseconds wait) {
  if (logs_.empty() || abandoned_.load()) return queue_.pop(wait);
  checkpoint_when_due();
  if (std::optional<QueueEntry> entry = next_left_over()) return entry;
  return queue_.pop(wait);
}

std::optional<QueueEntry> LeftoverSource::next_left_over() {
  for (; !logs_.empty(); remove_delivered()) {
    DiskLog& log = *logs_.front().log;
    if (unreadable_ && std::chrono::steady_clock::now() < again_at_) return std::nullopt;
    StoredBatch stored;
    const DiskLog::ReadStatus status = log.next(stored);
    unreadable_ = status == DiskLog::ReadStatus::kError;
    if (status == DiskLog::ReadStatus::kBatch) return delivery_.take(std::move(stored), true);
    if (unreadable_) complain();
    if (unreadable_ || !delivery_.idle()) return std::nullopt;
    log.delivered(log.read_record());
    log.tick();  // the segment that was read last goes, or is kept as damaged
  }
  return std::nullopt;
}

void LeftoverSource::complain() {
  again_at_ = std::chrono::steady_clock::now() + kReadAgain;
  std::uint64_t suppressed = 0;
  if (complaints_.allow(log::steady_ms(), suppressed))
    log::error(
        "what a stop has left over cannot be read, will try again",
        {{"sink", sink_}, {"reason", logs_.front().log->read_error()}, {"suppressed", suppressed}});
}

void LeftoverSource::done(const QueueEntry& entry) {
  if (!delivery_.holds(entry)) return queue_.done(entry);
  const std::uint64_t end = delivery_.done(entry);
  if (end != 0) logs_.front().log->delivered(end);
  publish();
}

bool LeftoverSource::keep(const QueueEntry& entry) {
  if (!delivery_.keep(entry)) return false;
  const std::size_t events = entry.batch->events();
  count_loss(*entry.route, RouteLoss::kLeftover, events);
  entry.route->queued -= events;
  return true;
}

void LeftoverSource::abandon() noexcept { abandoned_.store(true); }

/// From the front: the next stop's begin when those before them are done.
void LeftoverSource::remove_delivered() {
  while (!logs_.empty() && delivery_.idle() && logs_.front().log->status().records == 0) {
    Log done = std::move(logs_.front());
    logs_.pop_front();
    if (const std::uint64_t damaged = done.log->status().damaged_records; damaged != 0)
      log::error("records that a stop has left over are damaged",
                 {{"sink", sink_}, {"path", done.directory}, {"records", damaged}});
    (void)done.log->close();
    remove_files_of(done.directory);
    done.log.reset();  // its lock with it: until here nobody could begin one there
    std::error_code error;
    fs::remove(done.directory, error);  // a network file system keeps open files under other names
    fs::remove(directory_, error);
    fs::remove(fs::path(directory_).parent_path(), error);
    if (logs_.empty() && std::exchange(delivering_, false))
      log::info("what stops have left over is delivered", {{"sink", sink_}});
  }
  publish();
}

void LeftoverSource::checkpoint_when_due() {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_checkpoint_ < kLeftoverCheckpointInterval) return;
  last_checkpoint_ = now;
  logs_.front().log->tick();
}

void LeftoverSource::publish() {
  records_ = std::accumulate(
      logs_.begin(), logs_.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Log& each) { return sum + each.log->status().records; });
}

void LeftoverSource::close() {
  for (const Log& each : logs_) {
    if (const Result<void> closed = each.log->close(); !closed)
      log::error("what a stop has left over could not be closed, some of it may come twice",
                 {{"sink", sink_}, {"path", each.directory}, {"reason", closed.error().message}});
  }
  logs_.clear();
}

}  // namespace penstock
