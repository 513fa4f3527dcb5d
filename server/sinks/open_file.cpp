#include "server/sinks/open_file.h"

#include <fcntl.h>

#include <cerrno>

namespace penstock {
namespace {

// O_NONBLOCK means nothing to regular files.
constexpr int kOpenFlags = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

int open_uninterrupted(FileOps& files, const std::string& path, int flags) {
  int fd = -EINTR;
  while (fd == -EINTR) fd = files.open(path.c_str(), kOpenFlags | flags, 0640);
  return fd;
}

bool is_fifo(FileOps& files, const std::string& path) {
  struct stat status {};
  return files.stat(path.c_str(), status) == 0 && S_ISFIFO(status.st_mode);
}

// A file is opened to read its last byte as well; a FIFO never: we would be a reader of our own, and the pipe would take
// records that nobody gets.
int open_as(bool fifo, FileOps& files, const std::string& path, int more) {
  if (fifo) return open_uninterrupted(files, path, O_WRONLY | more);
  const int fd = open_uninterrupted(files, path, O_RDWR | more);
  // Ours to write but not to read (mode 0200, /dev/stdout): without a look at the last byte then.
  return fd == -EACCES ? open_uninterrupted(files, path, O_WRONLY | more) : fd;
}

Result<int> open_with_directories(bool fifo, FileOps& files, const std::string& path, bool durable,
                                  OpenedFile& file, CreatedPaths* created) {
  const auto open = [&](int more) { return open_as(fifo, files, path, more); };
  int fd = open_or_create(open, file.created);
  if (fd == -ENOENT) {
    std::string failed;
    const int made = make_directories(files, parent_directory(path), durable, failed, created);
    if (made < 0) return fail(-made, "create directory " + failed + ": " + errno_text(made));
    fd = open_or_create(open, file.created);
  }
  if (fd == -ENXIO && fifo) return fail(EPIPE, "nobody reads FIFO " + path);
  if (fd < 0) return fail(-fd, "open " + path + ": " + errno_text(fd));
  if (file.created && created != nullptr) created->add(path);
  return fd;
}

int repair(FileOps& files, OpenedFile& file, std::int64_t size) {
  char last = '\n';
  const std::int64_t got = files.pread(file.fd, &last, 1, size - 1);
  if (got == -EBADF || got == 0) return 0;  // opened write-only, or cut by somebody else just now
  if (got < 0) return static_cast<int>(got);
  if (last == '\n') return 0;
  const std::int64_t written = files.write(file.fd, "\n", 1);
  file.repaired = written == 1;
  return written < 0 ? static_cast<int>(written) : 0;
}

}  // namespace

Result<OpenedFile> open_for_append(FileOps& files, const std::string& path, bool durable,
                                   CreatedPaths* created) {
  OpenedFile file;
  const bool fifo = is_fifo(files, path);
  const Result<int> fd = open_with_directories(fifo, files, path, durable, file, created);
  if (!fd) return tl::unexpected(fd.error());
  file.fd = *fd;
  struct stat status {};
  int result = files.fstat(file.fd, status);
  if (result == 0 && S_ISBLK(status.st_mode)) {
    files.close(file.fd);
    return fail(EINVAL, "open " + path + ": is a block device");
  }
  if (result == 0 && S_ISFIFO(status.st_mode) != fifo) {
    files.close(file.fd);
    return fail(EAGAIN, "open " + path + ": was replaced while it was opened");
  }
  file.regular = S_ISREG(status.st_mode);
  file.written_at = status.st_mtim.tv_sec;
  if (result == 0 && file.regular && status.st_size > 0)
    result = repair(files, file, status.st_size);
  if (result == 0) return file;
  files.close(file.fd);
  return fail(-result, "open " + path + ": " + errno_text(result));
}

}  // namespace penstock
