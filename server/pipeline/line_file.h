#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocols/core/result.h"

namespace penstock {

/// How many LF `text` holds.
std::size_t count_lines(std::string_view text) noexcept;

/// A file of lines that only grows, and by whole lines: what a failed write left of a line is cut off again. One
/// writer; not thread-safe.
class LineFile {
 public:
  LineFile() noexcept = default;
  LineFile(LineFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), created_(other.created_) {}
  LineFile& operator=(LineFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(created_, other.created_);
    return *this;
  }
  ~LineFile() { close(); }

  enum class Mode { kAppend, kCreate };  ///< kCreate: an existing file is an error (EEXIST)

  /// Opens for appending; a new file has mode 0640 less umask. A last line that a crash has torn is ended by LF, so
  /// that it stays a line of its own.
  static Result<LineFile> open(const std::string& path, Mode mode);

  /// Writes `lines` (whole lines) and gives the bytes now in the file: less than lines.size() where the disk is full,
  /// and then up to the end of a line. `error` is then the errno, else 0.
  std::size_t append(std::string_view lines, int& error) noexcept;

  /// fsync: 0, or the errno.
  int sync() noexcept;

  bool is_open() const noexcept { return fd_ >= 0; }
  bool created() const noexcept { return created_; }  ///< by open(): it did not exist before
  /// `path` still leads to this file: nobody has moved or removed it.
  bool is_at(const std::string& path) const noexcept;
  void close() noexcept;

 private:
  bool cut_off(std::size_t bytes) noexcept;

  int fd_ = -1;
  bool created_ = false;
};

}  // namespace penstock
