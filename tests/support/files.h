#pragma once

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <string>

namespace penstock::test {

/// The file's bytes; empty where it cannot be read.
inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Replaces what the file holds.
inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// lstat: a symbolic link's own. All zero where there is nothing.
inline struct stat status_of(const std::string& path) {
  struct stat status {};
  ::lstat(path.c_str(), &status);
  return status;
}

/// There is something at `path`, be it a symbolic link that leads nowhere.
inline bool exists(const std::string& path) { return status_of(path).st_mode != 0; }

/// The permission bits of what must be there.
inline unsigned mode_of(const std::string& path) {
  const mode_t mode = status_of(path).st_mode;
  REQUIRE(mode != 0);
  return mode & 07777;
}

}  // namespace penstock::test
