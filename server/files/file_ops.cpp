#include "server/files/file_ops.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <system_error>

namespace penstock {
namespace {

template <class T>
T checked(T result) noexcept {
  return result < 0 ? static_cast<T>(-errno) : result;
}

class SystemFiles final : public FileOps {
 public:
  int open(const char* path, int flags, mode_t mode) noexcept override {
    return checked(::open(path, flags, mode));
  }
  // Linux has released the descriptor even where close fails: never close twice.
  int close(int fd) noexcept override { return checked(::close(fd)); }
  std::int64_t write(int fd, const char* data, std::size_t size) noexcept override {
    return checked<std::int64_t>(::write(fd, data, size));
  }
  std::int64_t pread(int fd, char* data, std::size_t size, std::int64_t offset) noexcept override {
    return checked<std::int64_t>(::pread(fd, data, size, offset));
  }
  std::int64_t pwrite(int fd, const char* data, std::size_t size,
                      std::int64_t offset) noexcept override {
    return checked<std::int64_t>(::pwrite(fd, data, size, offset));
  }
  int reserve(int fd, std::int64_t size) noexcept override {
    const int result = checked(::fallocate(fd, 0, 0, size));
    return result == -EOPNOTSUPP ? ftruncate(fd, size) : result;
  }
  int fstat(int fd, struct stat& status) noexcept override { return checked(::fstat(fd, &status)); }
  int stat(const char* path, struct stat& status) noexcept override {
    return checked(::stat(path, &status));
  }
  int ftruncate(int fd, std::int64_t size) noexcept override {
    return checked(::ftruncate(fd, size));
  }
  int fdatasync(int fd) noexcept override { return checked(::fdatasync(fd)); }
  int fsync(int fd) noexcept override { return checked(::fsync(fd)); }
  int mkdir(const char* path, mode_t mode) noexcept override {
    return checked(::mkdir(path, mode));
  }
  int access(const char* path, int mode) noexcept override {
    return checked(::faccessat(AT_FDCWD, path, mode, AT_EACCESS));
  }
  int unread(int fd) noexcept override {
    pollfd poll_fd{.fd = fd, .events = 0, .revents = 0};
    const bool nobody_reads = ::poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLERR) != 0;
    int bytes = 0;
    return nobody_reads && ::ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
  }
  std::int64_t now_ns() noexcept override {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
  int rename(const char* from, const char* to) noexcept override {
    const int result = checked(::renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
    if (result != -EINVAL && result != -ENOSYS) return result;
    // A file system that cannot refuse by itself (NFS): only a stranger could come in between.
    struct stat status {};
    if (::lstat(to, &status) == 0) return -EEXIST;
    return checked(::rename(from, to));
  }
  int unlink(const char* path) noexcept override { return checked(::unlink(path)); }
  int list(const char* path, const std::function<bool(std::string_view)>& each) override {
    const auto close = [](DIR* directory) { ::closedir(directory); };
    const std::unique_ptr<DIR, decltype(close)> directory(::opendir(path), close);
    if (directory == nullptr) return -errno;
    for (;;) {
      errno = 0;
      const dirent* entry = ::readdir(directory.get());
      if (entry == nullptr) return -errno;
      if (!each(entry->d_name)) return 0;
    }
  }
  int real_path(const char* path, std::string& real) override {
    const std::unique_ptr<char, decltype(&std::free)> text(::realpath(path, nullptr), &std::free);
    if (text == nullptr) return -errno;
    real = text.get();
    return 0;
  }
  int lock(int fd) noexcept override { return checked(::flock(fd, LOCK_EX | LOCK_NB)); }
  // A read lease is granted only where nobody writes. It is given back at once: whoever opens the file meanwhile waits
  // for that, and our SIGIO is ignored.
  int check_unwritten(int fd) noexcept override {
    const int leased = checked(::fcntl(fd, F_SETLEASE, F_RDLCK));
    if (leased == 0) ::fcntl(fd, F_SETLEASE, F_UNLCK);
    return leased;
  }
  int copy_status(int fd, const struct stat& from) noexcept override {
    const timespec times[2] = {from.st_atim, from.st_mtim};
    const int mode = checked(::fchmod(fd, from.st_mode & 0777));
    return mode < 0 ? mode : checked(::futimens(fd, times));
  }
};

}  // namespace

FileOps& system_files() noexcept {
  static SystemFiles files;
  return files;
}

std::string parent_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int make_directories(FileOps& files, const std::string& path, bool durable, std::string& failed,
                     CreatedPaths* created) {
  failed = path;
  int result = files.mkdir(path.c_str(), 0750);
  if (result == -ENOENT && path != "." && path != "/") {
    result = make_directories(files, parent_directory(path), durable, failed, created);
    if (result < 0) return result;
    failed = path;
    result = files.mkdir(path.c_str(), 0750);
  }
  if (result == -EEXIST) {
    struct stat status {};
    const int fd = files.open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return fd;  // a file stands there (ENOTDIR)
    result = files.fstat(fd, status);
    files.close(fd);
    return result;
  }
  if (result == 0 && created != nullptr) created->add(path);
  if (result == 0 && durable) result = sync_directory(files, failed = parent_directory(path));
  return result;
}

int sync_directory(FileOps& files, const std::string& path) {
  const int fd = files.open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  const int result = files.fsync(fd);
  files.close(fd);
  // Some file systems cannot sync directories; they need not.
  return result == -EINVAL || result == -EBADF ? 0 : result;
}

}  // namespace penstock
