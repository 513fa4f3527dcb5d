#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "tests/support/passed_files.h"

namespace penstock::test {

/// The real file system with faults on demand.
class FaultyFiles final : public PassedFiles {
 public:
  // What fails: a negated errno, 0 for nothing. `path` matches by its end.
  std::int64_t space = INT64_MAX;       ///< bytes that still fit, over all files; then -ENOSPC
  std::size_t most_at_once = SIZE_MAX;  ///< short writes
  int interrupted_writes = 0;           ///< so many writes end in EINTR first
  std::map<std::string, int> open_error, write_error, sync_error;
  int directory_sync_error = 0;
  int cut_error = 0;
  int rename_error = 0;
  std::function<void()> before_write, before_rename;
  std::int64_t clock_ns = 0;
  std::size_t max_descriptors = SIZE_MAX;  ///< open() beyond says EMFILE

  // What happened.
  std::size_t opens = 0, writes = 0, syncs = 0, directory_syncs = 0, cuts = 0, most_open = 0,
              renames = 0, lists = 0;

  int open(const char* path, int flags, mode_t mode) noexcept override {
    if (const int error = find(open_error, path)) return error;
    if (names_.size() >= max_descriptors) return -EMFILE;
    const int fd = real_.open(path, flags, mode);
    if (fd < 0) return fd;
    ++opens;
    names_[fd] = path;
    most_open = std::max(most_open, names_.size());
    return fd;
  }
  int close(int fd) noexcept override {
    names_.erase(fd);
    return real_.close(fd);
  }
  std::int64_t write(int fd, const char* data, std::size_t size) noexcept override {
    ++writes;
    if (before_write) before_write();
    if (interrupted_writes > 0) return --interrupted_writes, -EINTR;
    if (const int error = find(write_error, names_[fd])) return error;
    if (space == 0) return -ENOSPC;
    size = std::min({size, most_at_once, static_cast<std::size_t>(space)});
    const std::int64_t n = real_.write(fd, data, size);
    if (n > 0 && space != INT64_MAX) space -= n;
    return n;
  }
  int ftruncate(int fd, std::int64_t size) noexcept override {
    if (cut_error != 0) return cut_error;
    ++cuts;
    return real_.ftruncate(fd, size);
  }
  int fdatasync(int fd) noexcept override {
    ++syncs;
    return find(sync_error, names_[fd]);
  }
  int fsync(int) noexcept override {
    ++directory_syncs;
    return directory_sync_error;
  }
  std::int64_t now_ns() noexcept override { return clock_ns; }
  int rename(const char* from, const char* to) noexcept override {
    if (before_rename) before_rename();
    if (rename_error != 0) return rename_error;
    ++renames;
    return real_.rename(from, to);
  }
  int list(const char* path, const std::function<bool(std::string_view)>& each) override {
    ++lists;
    return real_.list(path, each);
  }

  std::size_t open_now() const noexcept { return names_.size(); }

 private:
  static int find(const std::map<std::string, int>& errors, std::string_view path) noexcept {
    for (const auto& [end, error] : errors) {
      if (path.ends_with(end)) return error;
    }
    return 0;
  }

  std::map<int, std::string> names_;
};

}  // namespace penstock::test
