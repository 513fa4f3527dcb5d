#include "server/files/created_paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

void make_directory(const std::string& path, CreatedPaths& created) {
  REQUIRE(::mkdir(path.c_str(), 0750) == 0);
  created.add(path);
}

void make_file(const std::string& path, CreatedPaths& created) {
  write_file(path, "");
  created.add(path);
}

/// open(2) for open_or_create.
auto opener(const std::string& path) {
  return [path](int flags) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0640);
    return fd < 0 ? -errno : fd;
  };
}

/// Opens and closes; true where that made the file.
bool creates(const std::string& path) {
  bool created = false;
  const int fd = open_or_create(opener(path), created);
  REQUIRE(fd >= 0);
  ::close(fd);
  return created;
}

}  // namespace

TEST_CASE("created paths: nested directories and a file go, what was there before stays",
          "[created_paths]") {
  const TempDir dir;
  CreatedPaths created;
  make_directory(dir / "a", created);
  make_directory(dir / "a/b", created);
  make_file(dir / "a/b/out.log", created);
  created.remove();
  CHECK_FALSE(exists(dir / "a"));
  CHECK(exists(dir.path()));
}

TEST_CASE("created paths: a foreign file keeps its directory and those above it",
          "[created_paths]") {
  const TempDir dir;
  CreatedPaths created;
  make_directory(dir / "a", created);
  make_directory(dir / "a/b", created);
  make_file(dir / "a/b/out.log", created);
  make_directory(dir / "a/c", created);
  write_file(dir / "a/b/foreign", "");
  created.remove();
  CHECK(exists(dir / "a/b/foreign"));
  CHECK_FALSE(exists(dir / "a/b/out.log"));
  CHECK_FALSE(exists(dir / "a/c"));
}

TEST_CASE("created paths: a file that is no longer empty stays", "[created_paths]") {
  const TempDir dir;
  CreatedPaths created;
  make_file(dir / "out.log", created);
  write_file(dir / "out.log", "x");
  created.remove();
  CHECK(read_file(dir / "out.log") == "x");
}

TEST_CASE("created paths: another file or directory at the same path stays", "[created_paths]") {
  const TempDir dir;
  CreatedPaths created;
  make_file(dir / "file", created);
  make_directory(dir / "directory", created);
  // Ours are moved away, not removed, so that their inodes are not given out again.
  REQUIRE(::rename((dir / "file").c_str(), (dir / "file.1").c_str()) == 0);
  REQUIRE(::rename((dir / "directory").c_str(), (dir / "directory.1").c_str()) == 0);
  write_file(dir / "file", "");
  REQUIRE(::mkdir((dir / "directory").c_str(), 0750) == 0);
  created.remove();
  CHECK(exists(dir / "file"));
  CHECK(exists(dir / "directory"));
}

TEST_CASE("created paths: a directory that became a symbolic link is not followed",
          "[created_paths]") {
  const TempDir dir;
  CreatedPaths created;
  make_directory(dir / "a", created);
  REQUIRE(::rename((dir / "a").c_str(), (dir / "moved").c_str()) == 0);
  REQUIRE(::symlink("moved", (dir / "a").c_str()) == 0);
  created.remove();
  CHECK(exists(dir / "a"));
  CHECK(exists(dir / "moved"));
}

TEST_CASE("created paths: dots and links in a path do not matter, nor does the current directory",
          "[created_paths]") {
  const TempDir dir;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(dir.path());
  CreatedPaths created;
  make_directory("./a", created);
  make_directory("a/../b", created);
  REQUIRE(::symlink("b", (dir / "link").c_str()) == 0);
  make_file("link/out.log", created);
  std::filesystem::current_path(before);
  created.remove();
  CHECK_FALSE(exists(dir / "a"));
  CHECK_FALSE(exists(dir / "b"));
  CHECK(exists(dir / "link"));
}

TEST_CASE("created paths: what is gone already does no harm, and nothing is taken back twice",
          "[created_paths]") {
  const TempDir dir;
  CreatedPaths created;
  make_file(dir / "out.log", created);
  ::unlink((dir / "out.log").c_str());
  created.add(dir / "never made");
  created.remove();
  write_file(dir / "out.log", "");
  created.remove();
  CHECK(exists(dir / "out.log"));
}

TEST_CASE("open or create: says who made the file", "[created_paths]") {
  const TempDir dir;
  CHECK(creates(dir / "new"));
  CHECK_FALSE(creates(dir / "new"));
  write_file(dir / "old", "old\n");
  CHECK_FALSE(creates(dir / "old"));
  CHECK(read_file(dir / "old") == "old\n");
  bool created = true;
  CHECK(open_or_create(opener(dir / "no/directory"), created) == -ENOENT);
  CHECK_FALSE(created);
}

TEST_CASE("open or create: a symbolic link leads to the file that is made, and that one goes",
          "[created_paths]") {
  const TempDir dir;
  REQUIRE(::symlink("target", (dir / "link").c_str()) == 0);
  CHECK(creates(dir / "link"));
  CreatedPaths created;
  created.add(dir / "link");
  created.remove();
  CHECK_FALSE(exists(dir / "target"));
  CHECK(exists(dir / "link"));
}

TEST_CASE("open or create: a file that somebody makes at the same moment is theirs",
          "[created_paths]") {
  const TempDir dir;
  int calls = 0;
  bool created = true;
  const int fd = open_or_create(
      [&](int flags) {
        if (++calls == 2) write_file(dir / "out", "theirs");
        return opener(dir / "out")(flags);
      },
      created);
  REQUIRE(fd >= 0);
  ::close(fd);
  CHECK_FALSE(created);
}
