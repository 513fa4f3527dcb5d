#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "protocols/core/errno_text.h"
#include "server/files/created_paths.h"

namespace penstock {

/// The system calls of what writes files, nearly one to one, so that tests can make any of them fail at any byte. A negative
/// result is a negated errno; EINTR is passed on.
struct FileOps {
  virtual ~FileOps() = default;
  virtual int open(const char* path, int flags, mode_t mode) noexcept = 0;
  virtual int close(int fd) noexcept = 0;
  virtual std::int64_t write(int fd, const char* data, std::size_t size) noexcept = 0;
  virtual std::int64_t pread(int fd, char* data, std::size_t size,
                             std::int64_t offset) noexcept = 0;
  virtual std::int64_t pwrite(int fd, const char* data, std::size_t size,
                              std::int64_t offset) noexcept = 0;
  /// Blocks for [0, size) without writing them (fallocate(2)); where the file system has no such call the file is only
  /// made that long.
  virtual int reserve(int fd, std::int64_t size) noexcept = 0;
  virtual int fstat(int fd, struct stat& status) noexcept = 0;
  virtual int stat(const char* path, struct stat& status) noexcept = 0;
  virtual int ftruncate(int fd, std::int64_t size) noexcept = 0;
  virtual int fdatasync(int fd) noexcept = 0;
  virtual int fsync(int fd) noexcept = 0;
  virtual int mkdir(const char* path, mode_t mode) noexcept = 0;
  virtual int access(const char* path, int mode) noexcept = 0;  ///< with the effective ids
  /// Bytes in the pipe behind `fd`, its writing end, that nobody has open to read; 0 where somebody has.
  virtual int unread(int fd) noexcept = 0;
  virtual std::int64_t now_ns() noexcept = 0;  ///< since 1970, the clock of Segment::time_ns

  /// Never replaces: -EEXIST where something stands at `to`.
  virtual int rename(const char* from, const char* to) noexcept = 0;
  virtual int unlink(const char* path) noexcept = 0;
  /// Calls `each` with every name in the directory, in no order, until it returns false.
  virtual int list(const char* path, const std::function<bool(std::string_view)>& each) = 0;
  /// `path` without symbolic links.
  virtual int real_path(const char* path, std::string& real) = 0;
  virtual int lock(int fd) noexcept = 0;  ///< exclusive, advisory, until closed; -EWOULDBLOCK
  /// -EWOULDBLOCK where a process has the file behind `fd`, which is open for reading only, open for writing; another
  /// error where that cannot be found out.
  virtual int check_unwritten(int fd) noexcept = 0;
  /// Permission bits and modification time of `from`.
  virtual int copy_status(int fd, const struct stat& from) noexcept = 0;
};

/// The kernel's own. Stateless, any thread.
FileOps& system_files() noexcept;

/// The part of `path` before its last slash: `.` where there is none, `/` for a file in the root.
std::string parent_directory(const std::string& path);

/// Creates `path` and the directories above it, mode 0750 less the umask. With `durable` the entry of each new one is
/// synced. 0 or a negated errno, with the directory that failed in `failed`. Those made are added to `created`, where one
/// is given.
int make_directories(FileOps& files, const std::string& path, bool durable, std::string& failed,
                     CreatedPaths* created = nullptr);

/// Syncs a directory, so that the names in it survive a power cut. 0 or a negated errno.
int sync_directory(FileOps& files, const std::string& path);

}  // namespace penstock
