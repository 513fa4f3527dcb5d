#pragma once

#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/files.h"
#include "tests/support/passed_files.h"

namespace penstock::test {

/// What a zstd file of one or more frames unpacks to; "not whole" where it is not.
inline std::string unpacked(const std::string& path) {
  const std::string packed = read_file(path);
  std::string out(std::size_t{1} << 22, '\0');
  const std::size_t size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  return ZSTD_isError(size) != 0 ? "not whole" : out.substr(0, size);
}

/// Names in a directory, oldest archive first, the file itself last.
inline std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    const bool a_long = a.size() > 12, b_long = b.size() > 12;
    return a_long == b_long ? a < b : a_long;
  });
  return names;
}

/// What all files of a directory hold, archives unpacked, in the order of names_in().
inline std::string all_text(const std::string& directory) {
  std::string text;
  for (const std::string& name : names_in(directory)) {
    const std::string path = directory + '/' + name;
    text += name.ends_with(".zst") ? unpacked(path) : read_file(path);
  }
  return text;
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// A process that dies behind its `last` system call: from then on nothing reaches the disk any more. Syncs are left out,
/// they only take time.
class DyingFiles final : public PassedFiles {
 public:
  /// `torn`: if the last call is a write, half of it.
  DyingFiles(int last, bool torn) : left_(last), torn_(torn) {}

  bool dead() const noexcept { return left_.load() <= 0; }

  int open(const char* path, int flags, mode_t mode) noexcept override {
    return lives() ? PassedFiles::open(path, flags, mode) : -EIO;
  }
  std::int64_t write(int fd, const char* data, std::size_t size) noexcept override {
    if (!lives()) return -EIO;
    const bool half = torn_ && dead() && size > 1;
    const std::int64_t n = PassedFiles::write(fd, data, half ? size / 2 : size);
    return half ? -EIO : n;
  }
  int ftruncate(int fd, std::int64_t size) noexcept override {
    return lives() ? PassedFiles::ftruncate(fd, size) : -EIO;
  }
  int fdatasync(int) noexcept override { return lives() ? 0 : -EIO; }
  int fsync(int) noexcept override { return lives() ? 0 : -EIO; }
  int mkdir(const char* path, mode_t mode) noexcept override {
    return lives() ? PassedFiles::mkdir(path, mode) : -EIO;
  }
  int rename(const char* from, const char* to) noexcept override {
    return lives() ? PassedFiles::rename(from, to) : -EIO;
  }
  int unlink(const char* path) noexcept override {
    return lives() ? PassedFiles::unlink(path) : -EIO;
  }
  int copy_status(int fd, const struct stat& from) noexcept override {
    return lives() ? PassedFiles::copy_status(fd, from) : -EIO;
  }

 private:
  bool lives() noexcept { return left_.load() > 0 && left_.fetch_sub(1) > 0; }

  std::atomic<int> left_;
  bool torn_;
};

}  // namespace penstock::test
