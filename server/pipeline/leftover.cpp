#include "server/pipeline/leftover.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <filesystem>
#include <limits>
#include <system_error>

namespace penstock {
namespace {

constexpr std::uint64_t kSegmentBytes = std::uint64_t{8} << 20;
constexpr int kMostNames = 8;  // that are tried

/// `20261124T193033Z-4711`: sorts by time. Containers that stop together may have the same one.
std::string name_of_this_stop() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y%m%dT%H%M%SZ", &utc);
  return std::string(stamp.data()) + "-" + std::to_string(::getpid());
}

/// Without a bound: the only other place for these records is nowhere. Synced when it is closed.
DiskLogOptions log_options(std::string directory) {
  DiskLogOptions options;
  options.directory = std::move(directory);
  options.max_bytes = std::numeric_limits<std::uint64_t>::max();
  options.segment_bytes = kSegmentBytes;
  options.sync = QueueSync::kInterval;
  options.short_segments = true;
  return options;
}

/// Another process has a log of that name, or what stood empty above it was removed at that moment (LeftoverSource).
bool open_elsewhere(const Error& error) noexcept {
  return error.code == EWOULDBLOCK || error.code == ENOENT;
}

}  // namespace

std::string leftover_directory(const std::string& quarantine) { return quarantine + "/leftover"; }

std::string leftover_directory(const std::string& quarantine, std::string_view sink) {
  return leftover_directory(quarantine) + "/" + std::string(sink);
}

void warn_of_other_leftovers(const std::string& quarantine,
                             const std::function<bool(const std::string& sink)>& is_known) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(leftover_directory(quarantine), error), end;
       !error && it != end; it.increment(error)) {
    const std::string sink = it->path().filename().string();
    if (!is_known(sink))
      log::warn("a stop has left something over for a sink that there is no more, it stays",
                {{"sink", sink}, {"path", it->path().string()}});
  }
}

Leftover::Leftover(std::string quarantine, FileOps& files)
    : quarantine_(std::move(quarantine)), files_(files) {}

bool Leftover::put(const Batch& batch, std::size_t first, std::size_t count,
                   std::string_view sink) {
  if (count == 0) return true;
  const std::lock_guard lock(mutex_);
  if (closed_) return false;
  OfSink& of_sink = sinks_[std::string(sink)];
  DiskLog* const log = log_of(sink, of_sink);
  if (log == nullptr) return false;
  if (!write(*log, batch, first, count)) {
    complain(sink, of_sink.path, log->last_error());
    return false;
  }
  of_sink.records += count;
  records_ += count;
  return true;
}

/// The directory is made anew where somebody has taken it away since the start.
DiskLog* Leftover::log_of(std::string_view sink, OfSink& of_sink) {
  if (of_sink.log) return of_sink.log.get();
  const std::string path = leftover_directory(quarantine_, sink) + "/" + name_of_this_stop();
  of_sink.path = path;
  auto opened = open_log(of_sink.path);
  for (int next = 2; next <= kMostNames && !opened && open_elsewhere(opened.error()); ++next) {
    of_sink.path = path + "-" + std::to_string(next);
    opened = open_log(of_sink.path);
  }
  if (opened)
    of_sink.log = std::move(*opened);
  else
    complain(sink, of_sink.path, opened.error().message);
  return of_sink.log.get();
}

Result<std::unique_ptr<DiskLog>> Leftover::open_log(const std::string& path) {
  DiskLog::Recovered nothing;
  return DiskLog::open(
      files_, log_options(path), origins_,
      [](std::size_t bytes) { return std::make_shared<Block>(bytes); }, nothing);
}

bool Leftover::write(DiskLog& log, const Batch& batch, std::size_t first, std::size_t count) {
  if (!log.append(batch, first, count) &&
      (log.roll() != DiskLog::RollStatus::kDone || !log.append(batch, first, count)))
    return false;
  if (log.commit() == DiskLog::CommitStatus::kDone) return true;
  log.withdraw();
  return false;
}

void Leftover::complain(std::string_view sink, const std::string& path, const std::string& error) {
  std::uint64_t suppressed = 0;
  if (complaints_.allow(log::steady_ms(), suppressed))
    log::error("leftover records not written",
               {{"sink", sink}, {"path", path}, {"error", error}, {"suppressed", suppressed}});
}

bool Leftover::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  bool good = true;
  for (auto& [sink, of_sink] : sinks_) {
    if (!of_sink.log) continue;
    if (const Result<void> closed = of_sink.log->close(); !closed) {
      good = false;
      log::error("leftover records not synced",
                 {{"sink", sink}, {"path", of_sink.path}, {"error", closed.error().message}});
    }
    of_sink.log.reset();
  }
  return good;
}

std::vector<Leftover::Kept> Leftover::kept() const {
  const std::lock_guard lock(mutex_);
  std::vector<Kept> kept;
  for (const auto& [sink, of_sink] : sinks_)
    if (of_sink.records != 0) kept.push_back({sink, of_sink.path, of_sink.records});
  return kept;
}

}  // namespace penstock
