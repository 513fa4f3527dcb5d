#include "server/sinks/open_file.h"

#include <fcntl.h>

#include <cerrno>

namespace penstock {
namespace {

// O_RDWR: the last byte is read, and a FIFO opens without a reader. O_NONBLOCK means nothing to regular files.
constexpr int kFlags = O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

int open_either(FileOps& files, const std::string& path, int more) {
  int fd = -EINTR;
  while (fd == -EINTR) fd = files.open(path.c_str(), kFlags | O_RDWR | more, 0640);
  // Ours to write but not to read (mode 0200, /dev/stdout): without a look at the last byte then.
  if (fd == -EACCES) fd = files.open(path.c_str(), kFlags | O_WRONLY | more, 0640);
  return fd;
}

Result<int> open_with_directories(FileOps& files, const std::string& path, bool durable,
                                  OpenedFile& file, CreatedPaths* created) {
  const auto open = [&](int more) { return open_either(files, path, more); };
  int fd = open_or_create(open, file.created);
  if (fd == -ENOENT) {
    std::string failed;
    const int made = make_directories(files, parent_directory(path), durable, failed, created);
    if (made < 0) return fail(-made, "create directory " + failed + ": " + errno_text(made));
    fd = open_or_create(open, file.created);
  }
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
  const Result<int> fd = open_with_directories(files, path, durable, file, created);
  if (!fd) return tl::unexpected(fd.error());
  file.fd = *fd;
  struct stat status {};
  int result = files.fstat(file.fd, status);
  if (result == 0 && S_ISBLK(status.st_mode)) {
    files.close(file.fd);
    return fail(EINVAL, "open " + path + ": is a block device");
  }
  file.regular = S_ISREG(status.st_mode);
  if (result == 0 && file.regular && status.st_size > 0)
    result = repair(files, file, status.st_size);
  if (result == 0) return file;
  files.close(file.fd);
  return fail(-result, "open " + path + ": " + errno_text(result));
}

}  // namespace penstock
