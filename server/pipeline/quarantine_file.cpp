#include "server/pipeline/quarantine_file.h"

#include <filesystem>
#include <system_error>

#include "protocols/core/errno_text.h"
#include "server/pipeline/base64.h"

namespace penstock {
namespace {

constexpr std::size_t kQuarantineWriteBytes = std::size_t{256} << 10;
constexpr std::int64_t kRecountMs = 10'000;

}  // namespace

QuarantineFile::QuarantineFile(std::string directory, std::size_t max_bytes)
    : directory_(std::move(directory)),
      path_(directory_ + "/quarantine.jsonl"),
      max_bytes_(max_bytes) {}

Result<bool> QuarantineFile::open(CreatedPaths* created) {
  if (Result<bool> made = make_directories(directory_, created); !made) return made;
  Result<LineFile> file = LineFile::open(path_, LineFile::Mode::kAppend);
  if (!file) return tl::unexpected(file.error());
  if (created != nullptr && file->created()) created->add(path_);
  file_ = std::move(*file);
  count();
  return true;
}

void QuarantineFile::write(const std::vector<QuarantineEntry>& entries,
                           std::uint64_t elsewhere_dropped) {
  follow_changes();
  std::string lines;
  for (const QuarantineEntry& entry : entries) {
    // Not worth encoding when the bytes alone are over the cap.
    const std::size_t before = lines.size();
    bool taken = fits(base64_size(entry.bytes.size()));
    if (taken) append_line(lines, entry);
    if (taken && !fits(lines.size() - before)) {
      lines.resize(before);
      taken = false;
    }
    total_bytes_ += lines.size() - before;
    dropped_.fetch_add(taken ? 0 : 1, std::memory_order_relaxed);
    if (lines.size() >= kQuarantineWriteBytes) flush(lines);
  }
  flush(lines);
  warn_of_drops(elsewhere_dropped);
}

// A file that a log rotator or an operator has taken away is begun anew; and room that somebody made is found.
void QuarantineFile::follow_changes() {
  if (!file_.is_at(path_)) {
    if (const Result<bool> opened = open(); !opened) last_error_ = opened.error().code;
  } else if (full_ && log::steady_ms() - counted_ms_ >= kRecountMs) {
    count();
  }
}

void QuarantineFile::count() {
  total_bytes_ = bytes_in_directory();
  counted_ms_ = log::steady_ms();
  full_ = false;
}

bool QuarantineFile::fits(std::size_t bytes) {
  if (!capped_.load(std::memory_order_relaxed)) return true;
  const bool room = total_bytes_ <= max_bytes_ && bytes <= max_bytes_ - total_bytes_;
  if (!room) full_ = true;
  return room;
}

void QuarantineFile::flush(std::string& lines) {
  if (lines.empty()) return;
  const std::size_t written = file_.append(lines, last_error_);
  const std::size_t good = count_lines(std::string_view(lines).substr(0, written));
  written_.fetch_add(good, std::memory_order_relaxed);
  dropped_.fetch_add(count_lines(lines) - good, std::memory_order_relaxed);
  total_bytes_ -= lines.size() - written;
  lines.clear();
}

void QuarantineFile::warn_of_drops(std::uint64_t elsewhere_dropped) {
  const std::uint64_t all = dropped() + elsewhere_dropped;
  std::uint64_t suppressed = 0;
  if (all == warned_ || !warnings_.allow(log::steady_ms(), suppressed)) return;
  warned_ = all;
  log::warn("quarantine drops entries",
            {{"path", path_},
             {"dropped", all},
             {"size_bytes", total_bytes_},
             {"max_bytes", max_bytes_},
             {"error", last_error_ == 0 ? "none" : errno_text(last_error_)}});
}

void QuarantineFile::sync() noexcept { file_.sync(); }

std::uint64_t QuarantineFile::bytes_in_directory() const {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory_, error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code no_size;
    const std::uintmax_t size = it->file_size(no_size);
    if (!no_size && name.starts_with("quarantine") && name.ends_with(".jsonl")) bytes += size;
  }
  return bytes;
}

}  // namespace penstock
