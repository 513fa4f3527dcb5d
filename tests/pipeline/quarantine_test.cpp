#include "server/pipeline/quarantine.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <csignal>
#include <cstdint>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "protocols/core/frame.h"
#include "server/pipeline/leftover_file.h"
#include "server/pipeline/line_file.h"
#include "tests/pipeline/temp_dir.h"

using namespace penstock;
using penstock::test::read_file;
using penstock::test::TempDir;
using penstock::test::write_file;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;

QuarantineEntry entry_of(std::string bytes, std::string reason = "oversize") {
  QuarantineEntry entry;
  entry.time_ns = 1;
  entry.listener = "syslog";
  entry.url = "tcp://127.0.0.1:5514";
  entry.peer = "192.0.2.1:40000";
  entry.reason = std::move(reason);
  entry.bytes = std::move(bytes);
  return entry;
}

std::vector<QuarantineEntry> entries_in(const std::string& path) {
  std::vector<QuarantineEntry> entries;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const Result<QuarantineEntry> entry = parse_quarantine_line(line);
    INFO(line);
    REQUIRE(entry);
    entries.push_back(*entry);
  }
  return entries;
}

std::unique_ptr<Quarantine> open_in(const std::string& directory,
                                    std::size_t max_bytes = 64 * kMiB) {
  Result<std::unique_ptr<Quarantine>> quarantine = Quarantine::open(directory, max_bytes);
  INFO((quarantine ? "" : quarantine.error().message));
  REQUIRE(quarantine);
  return std::move(*quarantine);
}

unsigned mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

// A full disk for this process: writes beyond `bytes` of a file are cut short, then fail.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{bytes, old_limit_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  void (*old_handler_)(int) = SIG_DFL;
  rlimit old_limit_{};
};

const Origin kOrigin{"syslog", "tcp://127.0.0.1:5514"};

// `count` frames `frame-N`, half from one peer and half from another.
Batch batch_of(std::size_t count) {
  Batch batch;
  batch.id = 1;
  batch.block = std::make_shared<Block>(count * 16);
  std::size_t at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string text = "frame-" + std::to_string(i);
    text.copy(batch.block->data() + at, text.size());
    FrameRef frame{};
    frame.offset = at & 0xffffffff;
    frame.size = text.size() & 0x1ffffff;
    frame.flags = i == 1 ? kFramePartial : kFrameWhole;
    batch.frames.push_back(frame);
    at += text.size();
  }
  for (const std::uint32_t half : {0u, 1u}) {
    Segment segment;
    segment.origin = &kOrigin;
    segment.peer.kind = Peer::Kind::kInet4;
    segment.peer.port = static_cast<std::uint16_t>(1000 + half);
    segment.time_ns = 5 + half;
    segment.first = half * static_cast<std::uint32_t>(count / 2);
    segment.count = half == 0 ? static_cast<std::uint32_t>(count / 2)
                              : static_cast<std::uint32_t>(count - count / 2);
    batch.segments.push_back(segment);
  }
  return batch;
}

}  // namespace

TEST_CASE("quarantine: entries are in the file, in order, once it is closed", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir / "deep/er");
  for (int i = 0; i < 100; ++i) quarantine->put(entry_of("bytes " + std::to_string(i)));
  CHECK(quarantine->close());
  CHECK(quarantine->close());
  const std::vector<QuarantineEntry> entries = entries_in(dir / "deep/er/quarantine.jsonl");
  REQUIRE(entries.size() == 100);
  for (int i = 0; i < 100; ++i) {
    CHECK(entries[static_cast<std::size_t>(i)] == entry_of("bytes " + std::to_string(i)));
  }
  CHECK(quarantine->written() == 100);
  CHECK(quarantine->dropped() == 0);
  CHECK(quarantine->leftover() == 0);
  CHECK(quarantine->leftover_path().empty());
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
  CHECK(below_file.error().message == "create directory " + (dir / "file/q") + ": Not a directory");

  const auto over_file = Quarantine::open(dir / "file", kMiB);
  REQUIRE_FALSE(over_file);
  CHECK(over_file.error().message ==
        "open " + (dir / "file/quarantine.jsonl") + ": Not a directory");
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
  write_file(dir / "leftover-20260101T000000Z-1.jsonl", std::string(10 * line, '\n'));
  write_file(dir / "quarantine-old.jsonl", std::string(line, '\n'));
  write_file(dir / "quarantine.jsonl", to_line(entry_of("x")));
  const auto quarantine = open_in(dir.path(), 4 * line);
  for (int i = 0; i < 5; ++i) quarantine->put(entry_of("x"));
  quarantine->close();
  CHECK(quarantine->written() == 2);
  CHECK(quarantine->dropped() == 3);
  CHECK(read_file(dir / "quarantine.jsonl").size() == 3 * line);
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

TEST_CASE("leftover: from start_leftover on, entries are in the leftover file when put returns",
          "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path(), 0);
  quarantine->start_leftover();
  CHECK(quarantine->leftover_path().empty());
  quarantine->put(entry_of("tail", "tail_deadline"));
  const std::string path = quarantine->leftover_path();
  REQUIRE_FALSE(path.empty());
  CHECK(entries_in(path) == std::vector{entry_of("tail", "tail_deadline")});
  CHECK((mode_of(path) & 0137) == 0);
  CHECK(quarantine->leftover() == 1);
  CHECK(quarantine->written() == 0);
  CHECK(quarantine->dropped() == 0);
  CHECK(quarantine->close());
}

TEST_CASE("leftover: frames of a batch carry sink, reason, flags, and their own peer",
          "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  const Batch batch = batch_of(6);
  CHECK(quarantine->write_leftover(batch, 1, 4, "archive", "leftover") == 4);
  CHECK(quarantine->write_leftover(batch, 5, 0, "archive", "leftover") == 0);
  CHECK(quarantine->close());
  const std::vector<QuarantineEntry> entries = entries_in(quarantine->leftover_path());
  REQUIRE(entries.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(entries[i].bytes == "frame-" + std::to_string(i + 1));
    CHECK(entries[i].flags == (i == 0 ? kFramePartial : kFrameWhole));
    CHECK(entries[i].peer == (i < 2 ? "0.0.0.0:1000" : "0.0.0.0:1001"));
    CHECK(entries[i].time_ns == (i < 2 ? 5 : 6));
    CHECK(entries[i].sink == "archive");
    CHECK(entries[i].reason == "leftover");
    CHECK(entries[i].url == "tcp://127.0.0.1:5514");
  }
}

TEST_CASE("leftover: a batch of many writes is whole", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  CHECK(quarantine->write_leftover(batch_of(10'000), 0, 10'000, "archive", "leftover") == 10'000);
  CHECK(quarantine->leftover() == 10'000);
  CHECK(entries_in(quarantine->leftover_path()).size() == 10'000);
}

TEST_CASE(
    "leftover: a full disk gives the number of frames written, the file ends with a whole line",
    "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  const rlim_t limit = GENERATE(1u, 1000u, 300'000u, 1'000'000u);
  CAPTURE(limit);
  std::size_t written = 0;
  {
    const FileSizeLimit full(limit);
    written = quarantine->write_leftover(batch_of(10'000), 0, 10'000, "archive", "leftover");
  }
  CHECK(written < 10'000);
  CHECK(quarantine->leftover() == written);
  const std::vector<QuarantineEntry> entries = entries_in(quarantine->leftover_path());
  REQUIRE(entries.size() == written);
  for (std::size_t i = 0; i < written; ++i) CHECK(entries[i].bytes == "frame-" + std::to_string(i));

  // Room again: the file goes on where it was cut.
  CHECK(quarantine->write_leftover(batch_of(10'000), written, 1, "archive", "leftover") == 1);
  CHECK(entries_in(quarantine->leftover_path()).back().bytes == "frame-" + std::to_string(written));
}

TEST_CASE("leftover: two stops in the same second get two files", "[quarantine]") {
  const TempDir dir;
  LeftoverFile first(dir.path());
  LeftoverFile second(dir.path());
  CHECK(first.put(entry_of("1")));
  CHECK(second.put(entry_of("2")));
  CHECK(first.path() != second.path());
  CHECK(first.close());
  CHECK(second.close());
  CHECK_FALSE(first.put(entry_of("late")));
  CHECK(first.entries() == 1);
}

TEST_CASE("leftover: without its directory nothing is written and nothing is claimed",
          "[quarantine]") {
  const TempDir dir;
  LeftoverFile leftover(dir / "gone");
  CHECK_FALSE(leftover.put(entry_of("x")));
  CHECK(leftover.put(batch_of(4), 0, 4, "archive", "leftover") == 0);
  CHECK(leftover.path().empty());
  CHECK(leftover.entries() == 0);
  CHECK(leftover.close());
}

TEST_CASE("leftover: threads write batches and entries at the same time", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = open_in(dir.path());
  quarantine->start_leftover();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&quarantine] {
      const Batch batch = batch_of(100);
      for (int i = 0; i < 10; ++i) {
        quarantine->put(entry_of("entry"));
        quarantine->write_leftover(batch, 0, 100, "archive", "leftover");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(quarantine->close());
  CHECK(quarantine->leftover() == 4 * 10 * 101);
  CHECK(entries_in(quarantine->leftover_path()).size() == 4 * 10 * 101);
}

TEST_CASE("line file: a FIFO or directory in its place is refused", "[quarantine]") {
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  const auto fifo = LineFile::open(dir / "fifo", LineFile::Mode::kAppend);
  REQUIRE_FALSE(fifo);
  CHECK(fifo.error().message == "open " + (dir / "fifo") + ": not a regular file");
  CHECK_FALSE(LineFile::open(dir.path(), LineFile::Mode::kAppend));
}

TEST_CASE("after wait_for_room every entry is written, however fast they come", "[quarantine]") {
  const TempDir dir;
  auto quarantine = Quarantine::open(dir.path(), std::size_t{64} << 20);
  REQUIRE(quarantine);
  (*quarantine)->wait_for_room();
  constexpr int kEntries = 400;  // 60 KB each: far more than may wait in memory
  for (int i = 0; i < kEntries; ++i)
    (*quarantine)
        ->put({.listener = "l", .reason = "tail_deadline", .bytes = std::string(60'000, 'x')});
  CHECK((*quarantine)->close());
  CHECK((*quarantine)->dropped() == 0);
  CHECK((*quarantine)->written() == kEntries);
}
