#include "server/pipeline/line_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "protocols/core/errno_text.h"
#include "server/files/created_paths.h"

namespace penstock {
namespace {

bool ends_in_mid_line(int fd, off_t size) noexcept {
  char last = '\n';
  return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

// Writes until all is out or an error; gives what was written.
std::size_t write_all(int fd, std::string_view bytes, int& error) noexcept {
  std::size_t done = 0;
  error = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      error = n == 0 ? ENOSPC : errno;
      break;
    }
  }
  return done;
}

std::size_t whole_lines(std::string_view bytes) noexcept {
  const std::size_t last = bytes.rfind('\n');
  return last == std::string_view::npos ? 0 : last + 1;
}

}  // namespace

std::size_t count_lines(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

Result<LineFile> LineFile::open(const std::string& path, Mode mode) {
  const auto open_with = [&](int more) {
    const int fd = ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | more, 0640);
    return fd < 0 ? -errno : fd;
  };
  LineFile file;
  const int fd = mode == Mode::kCreate ? open_with(O_CREAT | O_EXCL)
                                       : open_or_create(open_with, file.created_);
  if (fd < 0) return fail(-fd, "open " + path + ": " + errno_text(-fd));
  file.fd_ = fd;
  file.created_ = file.created_ || mode == Mode::kCreate;
  struct stat info {};
  if (::fstat(file.fd_, &info) != 0) return fail(errno, "stat " + path + ": " + errno_text(errno));
  if (!S_ISREG(info.st_mode)) return fail(EINVAL, "open " + path + ": not a regular file");
  int error = 0;
  if (ends_in_mid_line(file.fd_, info.st_size)) write_all(file.fd_, "\n", error);
  if (error != 0) return fail(error, "write " + path + ": " + errno_text(error));
  return file;
}

std::size_t LineFile::append(std::string_view lines, int& error) noexcept {
  const std::size_t written = write_all(fd_, lines, error);
  const std::size_t kept = error == 0 ? written : whole_lines(lines.substr(0, written));
  // Where cutting fails as well, the next line would grow onto the torn one: nothing more can be written.
  if (kept < written && !cut_off(written - kept)) close();
  return kept;
}

// The end is looked up: somebody may have cut the file (logrotate's copytruncate), or written behind us.
bool LineFile::cut_off(std::size_t bytes) noexcept {
  const off_t end = ::lseek(fd_, 0, SEEK_CUR);  // behind what was appended last
  struct stat info {};
  return ::fstat(fd_, &info) == 0 && info.st_size == end &&
         ::ftruncate(fd_, end - static_cast<off_t>(bytes)) == 0;
}

int LineFile::sync() noexcept { return ::fsync(fd_) == 0 ? 0 : errno; }

void LineFile::close() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool LineFile::is_at(const std::string& path) const noexcept {
  struct stat ours {};
  struct stat there {};
  return ::fstat(fd_, &ours) == 0 && ::stat(path.c_str(), &there) == 0 &&
         ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

}  // namespace penstock
