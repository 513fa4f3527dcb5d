#include "server/pipeline/leftover_source.h"

#include <fcntl.h>
#include <sys/file.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>

#include "server/pipeline/leftover.h"
#include "server/pipeline/sink_queue.h"
#include "tests/pipeline/fakes.h"
#include "tests/pipeline/left_over.h"
#include "tests/pipeline/numbered.h"
#include "tests/support/files.h"
#include "tests/support/passed_files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;
constexpr std::chrono::milliseconds kNoWait{0};

/// The real disk, from which nothing can be read while the test wants it.
class UnreadableFiles final : public PassedFiles {
 public:
  std::int64_t pread(int fd, char* data, std::size_t size, std::int64_t offset) noexcept override {
    return failing ? -EIO : PassedFiles::pread(fd, data, size, offset);
  }
  int close(int fd) noexcept override {
    const int closed = PassedFiles::close(fd);
    if (after_close) after_close();
    return closed;
  }
  bool failing = false;
  std::function<void()> after_close;
};

/// What stops have left over for "archive", and the source of the next start. By hand: no thread.
struct Rig {
  /// Batches of ten records each, by a stop of its own.
  void stop_leaves(std::size_t first, std::size_t batches, std::string_view stop) {
    Leftover leftover(dir / "made", system_files());
    for (std::size_t at = 0; at < batches; ++at)
      REQUIRE(leftover.put(numbered_batch(first + 10 * at, 10), 0, 10, "archive"));
    REQUIRE(leftover.close());
    fs::create_directories(directory);
    fs::rename(leftover.kept().front().path, directory + "/" + std::string(stop));
  }
  void start() {
    source = std::make_unique<LeftoverSource>(
        "archive", directory, files, pool,
        [this](std::string_view listener) -> RouteLedger& {
          CHECK(listener == kOrigin.listener);
          return ledger_route;
        },
        queue);
    source->open();
  }
  void push(std::size_t number) {
    ++ledger_route.queued;
    REQUIRE(queue.push(
        {std::make_shared<SealedBatch>(numbered_batch(number, 1), 1, nullptr), &ledger_route, true},
        false));
  }
  /// As a sink that takes everything, until nothing comes.
  Strings take_all() {
    Strings all;
    while (const auto entry = source->pop(kNoWait)) {
      for (std::string& record : test::records(entry->batch->batch()))
        all.push_back(std::move(record));
      CHECK(source->claim(*entry));
      ledger_route.queued -= entry->batch->events();
      source->done(*entry);
    }
    return all;
  }

  TempDir dir;
  const std::string directory = leftover_directory(dir.path(), "archive");
  UnreadableFiles files;
  BlockPool pool;
  RouteLedger ledger_route{kOrigin.listener, "archive"};
  SinkQueue queue{1 << 20, [] {}};
  std::unique_ptr<LeftoverSource> source;
};

Strings numbers(std::size_t first, std::size_t end) {
  Strings all;
  for (; first < end; ++first) all.push_back(std::to_string(first));
  return all;
}

}  // namespace

TEST_CASE("leftover source: the oldest stop first, then the queue, and nothing is left on disk",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(20, 1, "20260102T000000Z-7");
  rig.stop_leaves(0, 2, "20260101T000000Z-9");
  rig.start();
  CHECK(rig.source->records() == 30);
  rig.push(30);
  CHECK(rig.take_all() == numbers(0, 31));
  CHECK(rig.source->records() == 0);
  CHECK(rig.ledger_route.recovered == 30);
  CHECK(rig.ledger_route.queued == 0);
  CHECK_FALSE(fs::exists(rig.dir / "leftover"));
  rig.source->finish();
  CHECK(rig.source->finished());
}

TEST_CASE("leftover source: without anything it is the queue", "[leftover]") {
  Rig rig;
  rig.start();
  rig.push(1);
  CHECK(rig.source->fill_bytes() == 1);
  CHECK(rig.take_all() == Strings{"1"});
  CHECK_FALSE(fs::exists(rig.dir / "leftover"));
}

TEST_CASE("leftover source: done in any order, its files go when all is", "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 3, "1");
  rig.start();
  std::vector<QueueEntry> entries;
  while (auto entry = rig.source->pop(kNoWait)) entries.push_back(std::move(*entry));
  REQUIRE(entries.size() == 3);
  rig.source->done(entries[2]);
  rig.source->done(entries[0]);
  CHECK(rig.source->records() == 20);
  CHECK(fs::exists(rig.directory));
  rig.source->done(entries[1]);
  CHECK(rig.source->records() == 0);
  CHECK_FALSE(rig.source->pop(kNoWait));
  CHECK_FALSE(fs::exists(rig.directory));
}

TEST_CASE("leftover source: done in any order, with batches that lie where others lay before",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 30, "1");
  rig.start();
  const auto first = rig.source->pop(kNoWait);
  REQUIRE(first);
  rig.take_all();
  CHECK(rig.source->records() == 300);
  rig.source->done(*first);
  CHECK(rig.source->records() == 0);
  CHECK_FALSE(rig.source->pop(kNoWait));
  CHECK_FALSE(fs::exists(rig.directory));
}

TEST_CASE("leftover source: a new batch that lies where one lay that is kept is none of its own",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 1, "1");
  rig.start();
  auto old = rig.source->pop(kNoWait);
  REQUIRE(old);
  rig.source->abandon();
  CHECK(rig.source->keep(*old));
  old.reset();
  std::vector<QueueEntry> entries;
  for (std::size_t n = 10; n < 20; ++n) {
    rig.push(n);
    entries.push_back(rig.source->pop(kNoWait).value());
    CHECK_FALSE(rig.source->keep(entries.back()));
  }
}

TEST_CASE("leftover source: what a sink that is given up on has not taken stays", "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 3, "1");
  rig.start();
  const auto first = rig.source->pop(kNoWait);
  const auto second = rig.source->pop(kNoWait);
  REQUIRE((first && second));
  rig.source->done(*first);
  rig.push(30);
  rig.source->finish();
  CHECK_FALSE(rig.source->finished());
  rig.source->abandon();
  CHECK(rig.source->keep(*second));
  CHECK(rig.ledger_route.lost[static_cast<std::size_t>(RouteLoss::kLeftover)] == 10);
  const auto new_one = rig.source->pop(kNoWait);
  REQUIRE(new_one);
  CHECK(records(new_one->batch->batch()) == Strings{"30"});
  CHECK_FALSE(rig.source->keep(*new_one));
  rig.source->done(*new_one);
  CHECK(rig.source->finished());
  rig.source->close();
  CHECK(rig.source->records() == 20);

  Rig next;
  fs::create_directories(next.dir / "leftover");
  fs::rename(rig.directory, next.directory);
  next.start();
  CHECK(next.take_all() == numbers(10, 30));
}

TEST_CASE("leftover source: a process that dies delivers at most the last ones again",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 3, "1");
  rig.start();
  for (int i = 0; i < 2; ++i) {
    const auto entry = rig.source->pop(kNoWait);
    REQUIRE(entry);
    rig.source->done(*entry);
  }
  rig.source.reset();  // without close(): the checkpoint may be behind
  rig.start();
  const Strings again = rig.take_all();
  REQUIRE(again.size() >= 10);
  CHECK(again == numbers(30 - again.size(), 30));
}

TEST_CASE("leftover source: what cannot be read now holds nothing else up, and comes later",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 1, "1");
  rig.start();
  rig.files.failing = true;
  rig.push(10);
  CHECK(rig.take_all() == Strings{"10"});
  rig.source->finish();
  CHECK(rig.source->finished());
  rig.source->close();
  rig.files.failing = false;
  rig.start();
  CHECK(rig.take_all() == numbers(0, 10));
}

TEST_CASE("leftover source: a directory in use by another process, or that is none, is let be",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 1, "1");
  rig.start();
  SinkQueue other_queue(1 << 20, [] {});
  LeftoverSource other(
      "archive", rig.directory, rig.files, rig.pool,
      [&](std::string_view) -> RouteLedger& { return rig.ledger_route; }, other_queue);
  other.open();
  CHECK(other.records() == 0);
  CHECK_FALSE(other.pop(kNoWait));
  write_file(rig.directory + "/1/notes.txt", "of an operator");
  CHECK(rig.take_all() == numbers(0, 10));
  CHECK(fs::exists(rig.directory + "/1/notes.txt"));
  CHECK_FALSE(fs::exists(rig.directory + "/1/lock"));
}

TEST_CASE("leftover source: a start that fails changes nothing", "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 1, "1");
  rig.start();
  rig.source->undo_open();
  rig.source.reset();
  rig.start();
  CHECK(rig.take_all() == numbers(0, 10));
}

TEST_CASE("leftover source: a damaged record is passed over, told, and its file is kept",
          "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 1, "1");
  const std::string segment = rig.directory + "/1/" + segment_name(1);
  std::string bytes = read_file(segment);
  const auto at = bytes.find("0123456789");
  REQUIRE(at != bytes.npos);
  bytes[at + 3] = 'x';
  write_file(segment, bytes);
  rig.start();
  Strings expected = numbers(0, 10);
  expected.erase(expected.begin() + 3);
  CHECK(rig.take_all() == expected);
  CHECK(rig.ledger_route.lost[static_cast<std::size_t>(RouteLoss::kDamaged)] == 1);
  CHECK(fs::exists(segment + ".damaged"));
}

TEST_CASE("leftover source: of a damaged batch nothing is left to deliver", "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 2, "1");
  const std::string segment = rig.directory + "/1/" + segment_name(1);
  std::string bytes = read_file(segment);
  const auto at = bytes.find("10111213");
  REQUIRE(at != bytes.npos);
  bytes.replace(at, 20, 20, 'x');
  write_file(segment, bytes);
  rig.start();
  CHECK(rig.take_all() == numbers(0, 10));
  CHECK(rig.source->records() == 0);
  CHECK_FALSE(fs::exists(rig.directory + "/1/lock"));
}

TEST_CASE("leftover source: nobody else can have a directory while it is removed", "[leftover]") {
  Rig rig;
  rig.stop_leaves(0, 1, "1");
  rig.start();
  bool free_for_others = false;
  rig.files.after_close = [&] {
    const int fd = ::open((rig.directory + "/1/lock").c_str(), O_RDWR | O_CLOEXEC);
    free_for_others = free_for_others || (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0);
    if (fd >= 0) ::close(fd);
  };
  CHECK(rig.take_all() == numbers(0, 10));
  CHECK_FALSE(free_for_others);
  CHECK_FALSE(fs::exists(rig.directory));
}
