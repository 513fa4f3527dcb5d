#include "server/sinks/rotator.h"

#include <algorithm>
#include <cerrno>

#include "protocols/core/timestamp.h"
#include "server/sinks/archive_name.h"
#include "server/sinks/rotation_period.h"

namespace penstock {
namespace {

constexpr std::int64_t kMicrosecondNs = 1000;
constexpr int kAttempts = 3;  // another process may rotate into the same directory

}  // namespace

void Rotator::opened(OutFile& file, std::int64_t written_at) {
  file.rotation.rests_from_ns = -1;
  file.rotation.since = written_at;
  file.rotation.due =
      by_time() && file.regular ? next_period(rotate_.every, zone_, written_at) : INT64_MAX;
}

bool Rotator::is_due(OutFile& file, std::int64_t now_ns) {
  if (file.rotation.due == INT64_MAX) return false;
  const std::int64_t now = now_ns / kNanosPerSecond;
  if (now < file.rotation.since) begin_period(file, now_ns);
  return now >= file.rotation.due && !rests(file, now_ns);
}

void Rotator::begin_period(OutFile& file, std::int64_t now_ns) {
  file.rotation.since = now_ns / kNanosPerSecond;
  file.rotation.due = next_period(rotate_.every, zone_, file.rotation.since);
}

std::int64_t Rotator::limit(const OutFile& file, std::int64_t now_ns) const noexcept {
  const bool limited = rotate_.size_bytes != 0 && !rests(file, now_ns);
  return limited ? static_cast<std::int64_t>(rotate_.size_bytes) : INT64_MAX;
}

bool Rotator::rests(const OutFile& file, std::int64_t now_ns) const noexcept {
  const std::int64_t from = file.rotation.rests_from_ns;
  return from >= 0 && now_ns >= from && now_ns - from < kRestNs;
}

Rotator::Moved Rotator::move(OutFile& file, std::int64_t now_ns, std::string& real_path,
                             int& error) {
  // A symbolic link stays: the file that it leads to is moved, beside itself.
  struct stat ours {};
  struct stat there {};
  error = files_.real_path(file.path.c_str(), real_path);
  if (error == 0) error = files_.stat(real_path.c_str(), there);
  if (error == -ENOENT || error == -ENOTDIR) return Moved::kGone;
  if (error == 0) error = files_.fstat(file.fd, ours);
  if (error == 0 && (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino))
    return Moved::kGone;
  if (error == 0) error = rename_to_archive(file, now_ns, real_path);
  if (error == -ENOENT) return Moved::kGone;
  file.rotation.rests_from_ns = error < 0 ? now_ns : -1;
  return error < 0 ? Moved::kNo : Moved::kYes;
}

int Rotator::rename_to_archive(OutFile& file, std::int64_t now_ns, const std::string& real_path) {
  std::int64_t& newest = file.rotation.newest_us;
  int result = -EEXIST;
  for (int attempt = 0; result == -EEXIST && attempt < kAttempts; ++attempt) {
    if (newest < 0 || attempt > 0) newest = newest_archive(real_path);
    // Never in front of an archive that is older, whatever the clock says.
    const std::int64_t time_us = std::max(now_ns / kMicrosecondNs, newest + 1);
    const std::string name = archive_name(real_path, time_us, ArchiveForm::kPlain);
    result = files_.rename(real_path.c_str(), name.c_str());
    if (result == 0) newest = time_us;
  }
  return result;
}

// 0 where there is none or the directory cannot be read: then only the clock says what comes last.
std::int64_t Rotator::newest_archive(const std::string& real_path) {
  const std::string base = real_path.substr(real_path.rfind('/') + 1);
  std::int64_t newest = 0;
  files_.list(parent_directory(real_path).c_str(), [&](std::string_view name) {
    const auto archive = parse_archive_name(name);
    if (archive && archive->base == base) newest = std::max(newest, archive->time_us);
    return true;
  });
  return newest;
}

}  // namespace penstock
