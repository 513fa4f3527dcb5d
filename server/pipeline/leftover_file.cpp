#include "server/pipeline/leftover_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "protocols/core/errno_text.h"
#include "server/files/created_paths.h"

namespace penstock {
namespace {

constexpr std::size_t kWriteBytes = std::size_t{256} << 10;

// `leftover-20261124T193033Z-4711.jsonl`; a number follows from the second attempt on.
std::string file_name(unsigned attempt) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y%m%dT%H%M%SZ", &utc);
  const std::string number = attempt == 0 ? "" : "-" + std::to_string(attempt);
  return std::string("leftover-") + stamp.data() + "-" + std::to_string(::getpid()) + number +
         ".jsonl";
}

// The directory was there at the start; somebody may have taken it away since.
Result<LineFile> create_with_directories(const std::string& directory, const std::string& path) {
  Result<LineFile> file = LineFile::open(path, LineFile::Mode::kCreate);
  if (file || file.error().code != ENOENT) return file;
  if (const Result<bool> made = make_directories(directory); !made)
    return tl::unexpected(made.error());
  return LineFile::open(path, LineFile::Mode::kCreate);
}

// The new file's name must survive a power cut as well.
void sync_directory(const std::string& directory) noexcept {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

}  // namespace

bool LeftoverFile::put(const QuarantineEntry& entry) {
  const std::string line = to_line(entry);
  const std::lock_guard lock(mutex_);
  return append(line) == 1;
}

std::size_t LeftoverFile::put(const Batch& batch, std::size_t first, std::size_t count,
                              std::string_view sink, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  std::string lines;
  std::size_t in_lines = 0;
  std::size_t done = 0;
  for (const Segment& segment : batch.segments) {
    const std::size_t begin = std::max<std::size_t>(first, segment.first);
    const std::size_t end =
        std::min<std::size_t>(first + count, std::size_t{segment.first} + segment.count);
    if (begin >= end) continue;
    QuarantineEntry entry = entry_for(segment);
    entry.sink = sink;
    entry.reason = reason;
    for (std::size_t i = begin; i < end; ++i) {
      const FrameRef& frame = batch.frames[i];
      entry.flags = static_cast<std::uint8_t>(frame.flags & ~unsigned{kFrameInFields});
      entry.bytes = batch.bytes(frame);
      append_line(lines, entry);
      ++in_lines;
      if (lines.size() < kWriteBytes) continue;
      const std::size_t written = append(lines);
      done += written;
      if (written < in_lines) return done;
      lines.clear();
      in_lines = 0;
    }
  }
  return done + append(lines);
}

// Gives the number of lines that are in the file now.
std::size_t LeftoverFile::append(std::string_view lines) {
  if (lines.empty() || !ensure_open()) return 0;
  int error = 0;
  const std::size_t written = count_lines(lines.substr(0, file_.append(lines, error)));
  if (error != 0) complain("leftover file not written", path_, errno_text(error));
  entries_ += written;
  return written;
}

void LeftoverFile::complain(std::string_view what, const std::string& path,
                            const std::string& error) {
  std::uint64_t suppressed = 0;
  if (complaints_.allow(log::steady_ms(), suppressed))
    log::error(what, {{"path", path}, {"error", error}, {"suppressed", suppressed}});
}

bool LeftoverFile::ensure_open() {
  if (file_.is_open()) return true;
  if (closed_ || !path_.empty()) return false;  // once broken it stays so: no second file
  for (unsigned attempt = 0;; ++attempt) {
    const std::string path = directory_ + "/" + file_name(attempt);
    Result<LineFile> file = create_with_directories(directory_, path);
    if (file) {
      file_ = std::move(*file);
      path_ = path;
      sync_directory(directory_);
      return true;
    }
    if (file.error().code == EEXIST && attempt < 1000) continue;
    complain("no leftover file", path, file.error().message);
    return false;
  }
}

bool LeftoverFile::close() {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  if (!file_.is_open()) return path_.empty();
  const int error = file_.sync();
  if (error != 0)
    log::error("leftover file not synced", {{"path", path_}, {"error", errno_text(error)}});
  file_.close();
  return error == 0;
}

std::string LeftoverFile::path() const {
  const std::lock_guard lock(mutex_);
  return path_;
}

std::uint64_t LeftoverFile::entries() const noexcept { return entries_; }

}  // namespace penstock
