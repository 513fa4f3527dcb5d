#include "server/pipeline/leftover.h"

#include <catch2/catch.hpp>

#include <filesystem>
#include <thread>

#include "tests/pipeline/fakes.h"
#include "tests/pipeline/left_over.h"
#include "tests/pipeline/numbered.h"
#include "tests/support/files.h"
#include "tests/support/passed_files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

using Strings = std::vector<std::string>;

/// A disk on which a file has room for so many bytes.
class SmallDisk final : public PassedFiles {
 public:
  int reserve(int fd, std::int64_t size) noexcept override {
    return size > room ? -ENOSPC : PassedFiles::reserve(fd, size);
  }
  std::int64_t pwrite(int fd, const char* data, std::size_t size,
                      std::int64_t offset) noexcept override {
    if (offset >= room) return -ENOSPC;
    const auto fits = static_cast<std::size_t>(room - offset);
    return PassedFiles::pwrite(fd, data, std::min(size, fits), offset);
  }
  std::int64_t room = 1 << 30;
};

/// An empty directory is removed by another thread while one is made in it.
class RacingFiles final : public PassedFiles {
 public:
  int mkdir(const char* path, mode_t mode) noexcept override {
    if (std::string_view(path).ends_with("/archive") && parent_made_ && !raced_) {
      raced_ = true;
      std::filesystem::remove(std::filesystem::path(path).parent_path());
    }
    parent_made_ = parent_made_ || std::string_view(path).ends_with("/leftover");
    return PassedFiles::mkdir(path, mode);
  }
  bool raced() const { return raced_; }

 private:
  bool parent_made_ = false, raced_ = false;
};

}  // namespace

TEST_CASE("leftover: part of a batch is kept for its sink, not for everybody to read",
          "[leftover]") {
  const TempDir dir;
  Leftover leftover(dir / "data/quarantine", system_files());
  CHECK(leftover.put(numbered_batch(0, 6), 1, 4, "archive"));
  CHECK(leftover.put(numbered_batch(0, 6), 5, 0, "archive"));
  CHECK(leftover.put(numbered_batch(6, 2), 0, 2, "other"));
  CHECK(leftover.records() == 6);
  const auto kept = leftover.kept();
  REQUIRE(kept.size() == 2);
  CHECK(kept[0].sink == "archive");
  CHECK(kept[0].path.starts_with(dir / "data/quarantine/leftover/archive/2"));
  CHECK(records_in(kept[0].path) == Strings{"1", "2", "3", "4"});
  CHECK(records_in(kept[1].path) == Strings{"6", "7"});
  CHECK((mode_of(dir / "data/quarantine") & 0027) == 0);
  CHECK((mode_of(kept[0].path) & 0027) == 0);
  CHECK(leftover.close());
  CHECK(left_over_records(leftover).size() == 6);
  CHECK_FALSE(leftover.put(numbered_batch(0, 1), 0, 1, "archive"));
}

TEST_CASE("leftover: where no directory can be made nothing is written and nothing is claimed",
          "[leftover]") {
  const TempDir dir;
  write_file(dir / "data", "a file where a directory is needed");
  Leftover leftover(dir / "data/quarantine", system_files());
  CHECK_FALSE(leftover.put(numbered_batch(0, 4), 0, 4, "archive"));
  CHECK(leftover.kept().empty());
  CHECK(leftover.records() == 0);
  CHECK(leftover.close());
}

TEST_CASE("leftover: on a disk with little room it takes what fits, and goes on when there is more",
          "[leftover]") {
  const TempDir dir;
  SmallDisk disk;
  disk.room = GENERATE(100, 4096, 4200, 5000, 10'000);
  CAPTURE(disk.room);
  Leftover leftover(dir.path(), disk);
  Strings taken;
  for (std::size_t first = 0; first < 100; first += 10) {
    const bool fits = leftover.put(numbered_batch(first, 10), 0, 10, "archive");
    if (!fits) continue;
    for (std::size_t n = first; n < first + 10; ++n) taken.push_back(std::to_string(n));
  }
  CHECK(leftover.records() == taken.size());
  CHECK(left_over_records(leftover) == taken);

  disk.room = 1 << 30;
  CHECK(leftover.put(numbered_batch(100, 1), 0, 1, "archive"));
  taken.push_back("100");
  CHECK(leftover.close());
  CHECK(left_over_records(leftover) == taken);
}

TEST_CASE("leftover: threads of many sinks write at the same time", "[leftover]") {
  const TempDir dir;
  Leftover leftover(dir.path(), system_files());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&leftover, sink = std::to_string(t % 2)] {
      for (int i = 0; i < 10; ++i) leftover.put(numbered_batch(0, 100), 0, 100, sink);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(leftover.close());
  CHECK(left_over_records(leftover).size() == 4 * 10 * 100);
}

TEST_CASE(
    "leftover: two servers of one directory that stop together, each process 1 of its container",
    "[leftover]") {
  const TempDir dir;
  Leftover one(dir.path(), system_files()), other(dir.path(), system_files());
  CHECK(one.put(numbered_batch(0, 2), 0, 2, "archive"));
  CHECK(other.put(numbered_batch(2, 2), 0, 2, "archive"));
  CHECK(one.close());
  CHECK(other.close());
  CHECK(left_over_records(one) == Strings{"0", "1"});
  CHECK(left_over_records(other) == Strings{"2", "3"});
}

TEST_CASE("leftover: a directory that another sink has just emptied is made again", "[leftover]") {
  const TempDir dir;
  RacingFiles files;
  Leftover leftover(dir.path(), files);
  CHECK(leftover.put(numbered_batch(0, 1), 0, 1, "archive"));
  CHECK(files.raced());
  CHECK(leftover.close());
  CHECK(left_over_records(leftover) == Strings{"0"});
}
