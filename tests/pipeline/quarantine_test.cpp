#include "server/pipeline/quarantine.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

#include "server/pipeline/line_file.h"
#include "tests/pipeline/quarantine_entries.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("quarantine: entries are in the file, in order, once it is closed", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir / "deep/er");
  for (int i = 0; i < 100; ++i) quarantine->put(entry_of("bytes " + std::to_string(i)));
  quarantine->close();
  quarantine->close();
  const std::vector<QuarantineEntry> entries = entries_in(dir / "deep/er/quarantine.jsonl");
  REQUIRE(entries.size() == 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(entries[static_cast<std::size_t>(i)] == entry_of("bytes " + std::to_string(i)));
  }
  CHECK(quarantine->written() == 100);
  CHECK(quarantine->dropped() == 0);
}

TEST_CASE("quarantine: file and directory are not for everybody", "[quarantine]") {
  const TempDir dir;
  const mode_t old_mask = ::umask(0);
  const auto quarantine = open_in(dir / "q");
  ::umask(old_mask);
  CHECK(mode_of(dir / "q") == 0750);
  CHECK(mode_of(dir / "q/quarantine.jsonl") == 0640);
}

TEST_CASE("quarantine: what cannot be opened is an error that names it", "[quarantine]") {
  const TempDir dir;
  write_file(dir / "file", "");
  const auto below_file = Quarantine::open(dir / "file/q", kMiB);
  REQUIRE_FALSE(below_file);
  CHECK(below_file.error().message == "create directory " + (dir / "file/q") + ": not a directory");

  const auto over_file = Quarantine::open(dir / "file", kMiB);
  REQUIRE_FALSE(over_file);
  CHECK(over_file.error().message ==
        "open " + (dir / "file/quarantine.jsonl") + ": not a directory");
}

TEST_CASE("quarantine: put after close is counted as dropped", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  quarantine->close();
  quarantine->put(entry_of("late"));
  CHECK(quarantine->written() == 0);
  CHECK(quarantine->dropped() == 1);
}

TEST_CASE("quarantine: threads put at the same time, every entry is written or counted",
          "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&quarantine, t] {
      for (int i = 0; i < 500; ++i)
        quarantine->put(entry_of(std::string(1000, static_cast<char>('a' + t))));
    });
  }
  for (std::thread& thread : threads) thread.join();
  quarantine->close();
  CHECK(quarantine->written() + quarantine->dropped() == 2000);
  CHECK(entries_in(dir / "quarantine.jsonl").size() == quarantine->written());
}

TEST_CASE("quarantine: the cap counts what its files hold already, other files not",
          "[quarantine]") {
  const TempDir dir;
  const std::size_t line = to_line(entry_of("x")).size();
  write_file(dir / "quarantine.jsonl.1", std::string(10 * line, '\n'));
  write_file(dir / "others.jsonl", std::string(10 * line, '\n'));
  write_file(dir / "quarantine-old.jsonl", std::string(line, '\n'));
  write_file(dir / "quarantine.jsonl", to_line(entry_of("x")));
  const auto quarantine = open_in(dir.path(), 4 * line);
  for (int i = 0; i < 5; ++i) quarantine->put(entry_of("x"));
  quarantine->close();
  CHECK(quarantine->written() == 2);
  CHECK(quarantine->dropped() == 3);
  CHECK(read_file(dir / "quarantine.jsonl").size() == 3 * line);
}

TEST_CASE("quarantine: at a stop the cap is lifted", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path(), 0);
  quarantine->lift_cap();
  quarantine->put(entry_of("tail", "tail_deadline"));
  quarantine->close();
  CHECK(quarantine->dropped() == 0);
  CHECK(entries_in(dir / "quarantine.jsonl") == std::vector{entry_of("tail", "tail_deadline")});
}

TEST_CASE("quarantine: an entry that fits follows one that does not", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path(), 1000);
  quarantine->put(entry_of(std::string(1000, 'x')));
  quarantine->put(entry_of("small"));
  quarantine->close();
  CHECK(quarantine->dropped() == 1);
  REQUIRE(entries_in(dir / "quarantine.jsonl").size() == 1);
  CHECK(entries_in(dir / "quarantine.jsonl")[0].bytes == "small");
}

TEST_CASE("quarantine: one entry over the memory bound waits alone and is written",
          "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  const std::string large(5 * kMiB, '\0');
  quarantine->put(entry_of(large));
  quarantine->close();
  REQUIRE(quarantine->written() == 1);
  CHECK(entries_in(dir / "quarantine.jsonl")[0].bytes == large);
}

TEST_CASE("quarantine: a line torn by a crash stays a line of its own", "[quarantine]") {
  const TempDir dir;
  write_file(dir / "quarantine.jsonl", "{\"time\":\"2026");
  const auto quarantine = open_in(dir.path());
  quarantine->put(entry_of("next"));
  quarantine->close();
  CHECK(read_file(dir / "quarantine.jsonl") == "{\"time\":\"2026\n" + to_line(entry_of("next")));
}

TEST_CASE("quarantine: a file that was moved away is begun anew", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  REQUIRE(::rename((dir / "quarantine.jsonl").c_str(), (dir / "old").c_str()) == 0);
  quarantine->put(entry_of("new"));
  quarantine->close();
  CHECK(read_file(dir / "old").empty());
  CHECK(read_file(dir / "quarantine.jsonl") == to_line(entry_of("new")));
}

TEST_CASE("quarantine: entries that the disk does not take are counted, the file keeps whole lines",
          "[quarantine]") {
  const TempDir dir;
  const std::size_t line = to_line(entry_of("0")).size();
  const auto quarantine = open_in(dir.path());
  const FileSizeLimit full(3 * line + line / 2);
  for (int i = 0; i < 5; ++i) quarantine->put(entry_of("0"));
  quarantine->close();
  CHECK(quarantine->written() == 3);
  CHECK(quarantine->dropped() == 2);
  CHECK(entries_in(dir / "quarantine.jsonl").size() == 3);
}

TEST_CASE(
    "line file: a torn line is cut where the file ends now, though somebody has cut it before",
    "[quarantine]") {
  const TempDir dir;
  auto file = LineFile::open(dir / "lines", LineFile::Mode::kAppend);
  REQUIRE(file);
  int error = 0;
  REQUIRE(file->append("one\ntwo\nthree\n", error) == 14);
  REQUIRE(::truncate((dir / "lines").c_str(), 0) == 0);  // as logrotate's copytruncate does
  {
    const FileSizeLimit full(7);
    CHECK(file->append("four\nfive\n", error) == 5);
    CHECK(error == EFBIG);
  }
  CHECK(file->append("six\n", error) == 4);
  CHECK(read_file(dir / "lines") == "four\nsix\n");
}

TEST_CASE("line file: a FIFO or directory in its place is refused", "[quarantine]") {
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  const auto fifo = LineFile::open(dir / "fifo", LineFile::Mode::kAppend);
  REQUIRE_FALSE(fifo);
  CHECK(fifo.error().message == "open " + (dir / "fifo") + ": not a regular file");
  CHECK_FALSE(LineFile::open(dir.path(), LineFile::Mode::kAppend));
}

TEST_CASE("who waits for room has every entry written, however fast they come", "[quarantine]") {
  const auto when_full = GENERATE(Quarantine::WhenFull::kDrop, Quarantine::WhenFull::kWait);
  const TempDir dir;
  auto quarantine = Quarantine::open(dir.path(), std::size_t{64} << 20);
  REQUIRE(quarantine);
  if (when_full == Quarantine::WhenFull::kDrop) (*quarantine)->wait_for_room();
  constexpr int kEntries = 400;  // 60 KB each: far more than may wait in memory
  for (int i = 0; i < kEntries; ++i)
    (*quarantine)
        ->put({.listener = "l", .reason = "tail_deadline", .bytes = std::string(60'000, 'x')},
              when_full);
  (*quarantine)->close();
  CHECK((*quarantine)->dropped() == 0);
  CHECK((*quarantine)->written() == kEntries);
}
