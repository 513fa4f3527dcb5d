#include "server/sinks/open_file.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

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

/// Adds `ending` to the file.
int append_ending(FileOps& files, OpenedFile& file, std::string_view ending) {
  const std::int64_t written = files.write(file.fd, ending.data(), ending.size());
  file.repaired = written == static_cast<std::int64_t>(ending.size());
  return written < 0 ? static_cast<int>(written) : 0;
}

/// Encoder::ends_whole of the file, 0 or 1, or a negated errno.
int ends_whole(FileOps& files, int fd, const Encoder& encoder, std::int64_t size) {
  char end[Encoder::kEndBytes];
  const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(size, sizeof end));
  const std::int64_t got = files.pread(fd, end, wanted, size - static_cast<std::int64_t>(wanted));
  if (got == -EBADF || got == 0) return 1;  // opened write-only, or cut by somebody else just now
  if (got < 0) return static_cast<int>(got);
  return encoder.ends_whole({end, static_cast<std::size_t>(got)}) ? 1 : 0;
}

/// Reads a file piece by piece up to a size that it had.
class Pieces {
 public:
  Pieces(FileOps& files, int fd, std::int64_t from, std::int64_t size)
      : files_(files), fd_(fd), at_(from), size_(size), buffer_(kBytes) {}

  /// The next piece; empty at the end, and after an error.
  std::string_view next() {
    const std::int64_t left = size_ - at_;
    const auto wanted = static_cast<std::size_t>(std::min<std::int64_t>(left, kBytes));
    std::int64_t got = wanted == 0 ? 0 : -EINTR;
    while (got == -EINTR) got = files_.pread(fd_, buffer_.data(), wanted, at_);
    if (got < 0) error_ = static_cast<int>(got);
    const std::int64_t there = std::max<std::int64_t>(got, 0);
    at_ += there;
    return {buffer_.data(), static_cast<std::size_t>(there)};
  }
  std::int64_t at() const noexcept { return at_; }
  int error() const noexcept { return error_; }  ///< 0 or a negated errno

 private:
  static constexpr std::size_t kBytes = std::size_t{256} << 10;

  FileOps& files_;
  int fd_;
  std::int64_t at_;
  std::int64_t size_;
  std::vector<char> buffer_;
  int error_ = 0;
};

/// All of the file from `from` on is NUL: what a power cut leaves of bytes that were written and never reached the disk.
bool is_blank(FileOps& files, int fd, std::int64_t from, std::int64_t size) {
  Pieces pieces(files, fd, from, size);
  for (std::string_view piece; !(piece = pieces.next()).empty();) {
    if (piece.find_first_not_of('\0') != std::string_view::npos) return false;
  }
  return pieces.at() == size;
}

int cut_torn_tail(FileOps& files, OpenedFile& file, std::int64_t whole, std::int64_t size) {
  struct stat status {};
  if (const int result = files.fstat(file.fd, status); result < 0) return result;
  if (status.st_size != size) return -EAGAIN;  // somebody else writes to it
  const int result = files.ftruncate(file.fd, whole);
  file.repaired = result == 0;
  file.cut_bytes = size - whole;
  return result;
}

int walk_records(FileOps& files, OpenedFile& file, RecordWalk& walk, std::int64_t from,
                 std::int64_t size) {
  Pieces pieces(files, file.fd, from, size);
  bool legal = true;
  for (std::string_view piece; legal && !(piece = pieces.next()).empty();) legal = walk.take(piece);
  if (pieces.error() == -EBADF) return 0;  // opened write-only
  if (pieces.error() != 0) return pieces.error();
  const std::int64_t whole = from + walk.whole_bytes();
  if (!legal && !is_blank(files, file.fd, whole, size)) return -EBADMSG;
  if (whole == size) return 0;
  if (!walk.ending().empty()) return append_ending(files, file, walk.ending());
  return cut_torn_tail(files, file, whole, size);
}

/// Where the file does not end in a whole record. 0 or a negated errno.
int repair(FileOps& files, OpenedFile& file, const Encoder& encoder, std::int64_t known,
           std::int64_t size) {
  if (known == size) return 0;
  const int ended = ends_whole(files, file.fd, encoder, size);
  if (ended != 0) return std::min(ended, 0);
  const std::unique_ptr<RecordWalk> walk = encoder.walk();
  if (walk == nullptr) return append_ending(files, file, encoder.torn_ending());
  const int result = walk_records(files, file, *walk, known, size);
  // What was known was another file of the same number, perhaps.
  return result == -EBADMSG && known != 0 ? repair(files, file, encoder, 0, size) : result;
}

}  // namespace

Result<OpenedFile> open_for_append(FileOps& files, const std::string& path, bool durable,
                                   const Encoder& encoder, const KnownEnd& known,
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
    result = repair(files, file, encoder, known.in(status), status.st_size);
  if (result == 0) return file;
  files.close(file.fd);
  if (result == -EBADMSG)
    return fail(EBADMSG, "open " + path + ": holds something else than records of this encoding");
  return fail(-result, "open " + path + ": " + errno_text(result));
}

}  // namespace penstock
