#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "server/files/file_ops.h"

namespace penstock::test {

/// The real file system; what a test wants otherwise it overrides.
class PassedFiles : public FileOps {
 public:
  int open(const char* path, int flags, mode_t mode) noexcept override {
    return real_.open(path, flags, mode);
  }
  int close(int fd) noexcept override { return real_.close(fd); }
  std::int64_t write(int fd, const char* data, std::size_t size) noexcept override {
    return real_.write(fd, data, size);
  }
  std::int64_t pread(int fd, char* data, std::size_t size, std::int64_t offset) noexcept override {
    return real_.pread(fd, data, size, offset);
  }
  std::int64_t pwrite(int fd, const char* data, std::size_t size,
                      std::int64_t offset) noexcept override {
    return real_.pwrite(fd, data, size, offset);
  }
  int reserve(int fd, std::int64_t size) noexcept override { return real_.reserve(fd, size); }
  int fstat(int fd, struct stat& status) noexcept override { return real_.fstat(fd, status); }
  int stat(const char* path, struct stat& status) noexcept override {
    return real_.stat(path, status);
  }
  int ftruncate(int fd, std::int64_t size) noexcept override { return real_.ftruncate(fd, size); }
  int fdatasync(int fd) noexcept override { return real_.fdatasync(fd); }
  int fsync(int fd) noexcept override { return real_.fsync(fd); }
  int mkdir(const char* path, mode_t mode) noexcept override { return real_.mkdir(path, mode); }
  int access(const char* path, int mode) noexcept override { return real_.access(path, mode); }
  int unread(int fd) noexcept override { return real_.unread(fd); }
  std::int64_t now_ns() noexcept override { return real_.now_ns(); }
  int rename(const char* from, const char* to) noexcept override { return real_.rename(from, to); }
  int unlink(const char* path) noexcept override { return real_.unlink(path); }
  int list(const char* path, const std::function<bool(std::string_view)>& each) override {
    return real_.list(path, each);
  }
  int real_path(const char* path, std::string& real) override {
    return real_.real_path(path, real);
  }
  int lock(int fd) noexcept override { return real_.lock(fd); }
  int check_unwritten(int fd) noexcept override { return real_.check_unwritten(fd); }
  int copy_status(int fd, const struct stat& from) noexcept override {
    return real_.copy_status(fd, from);
  }

 protected:
  FileOps& real_ = system_files();
};

}  // namespace penstock::test
