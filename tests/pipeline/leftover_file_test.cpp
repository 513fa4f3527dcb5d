#include "server/pipeline/leftover_file.h"

#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <vector>

#include "protocols/core/frame.h"
#include "tests/pipeline/quarantine_entries.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

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

TEST_CASE("leftover: a directory that is gone is made again", "[quarantine]") {
  const TempDir dir;
  LeftoverFile leftover(dir / "data/quarantine");
  CHECK(leftover.put(entry_of("x")));
  CHECK(entries_in(leftover.path()).size() == 1);
  CHECK((mode_of(dir / "data/quarantine") & 0027) == 0);
  CHECK(leftover.close());
}

TEST_CASE("leftover: where its directory cannot be made nothing is written and nothing is claimed",
          "[quarantine]") {
  const TempDir dir;
  write_file(dir / "data", "a file where a directory is needed");
  LeftoverFile leftover(dir / "data/quarantine");
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
