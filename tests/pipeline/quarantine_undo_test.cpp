// A start that fails leaves nothing of the quarantine behind.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "server/pipeline/quarantine.h"
#include "server/pipeline/sink_runner.h"
#include "tests/pipeline/fakes.h"
#include "tests/pipeline/queued_runner.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;

/// Counts what SinkRunner asks of it.
class UndoneSink final : public Sink {
 public:
  explicit UndoneSink(int& undone) : undone_(undone) {}
  Result<void> open() override { return fail(EACCES, "no"); }
  void undo_open() noexcept override { ++undone_; }
  WriteStatus write(const Batch&) override { return WriteStatus::kDelivered; }
  std::vector<FrameRange> abandon(const Batch&) override { return {}; }
  Result<void> close() override { return {}; }

 private:
  int& undone_;
};

}  // namespace

TEST_CASE("quarantine: a failed start takes back the file and the directories it made",
          "[quarantine]") {
  const TempDir dir;
  const auto quarantine = Quarantine::open(dir / "a/b/quarantine", kMaxBytes).value();
  REQUIRE(exists(dir / "a/b/quarantine/quarantine.jsonl"));
  quarantine->undo_open();
  CHECK_FALSE(exists(dir / "a"));
  CHECK(exists(dir.path()));
  quarantine->undo_open();  // harmless
}

TEST_CASE("quarantine: a failed start leaves an empty file that was there, and its directory",
          "[quarantine]") {
  const TempDir dir;
  write_file(dir / "quarantine.jsonl", "");
  const auto quarantine = Quarantine::open(dir.path(), kMaxBytes).value();
  quarantine->undo_open();
  CHECK(exists(dir / "quarantine.jsonl"));
}

TEST_CASE("quarantine: a failed start leaves an empty directory that was there", "[quarantine]") {
  const TempDir dir;
  REQUIRE(::mkdir((dir / "q").c_str(), 0750) == 0);
  const auto quarantine = Quarantine::open(dir / "q", kMaxBytes).value();
  quarantine->undo_open();
  CHECK(exists(dir / "q"));
  CHECK_FALSE(exists(dir / "q/quarantine.jsonl"));
}

TEST_CASE("quarantine: a failed start leaves what others have put into the new directory",
          "[quarantine]") {
  const TempDir dir;
  const auto quarantine = Quarantine::open(dir / "a/q", kMaxBytes).value();
  write_file(dir / "a/foreign", "");
  quarantine->undo_open();
  CHECK(exists(dir / "a/foreign"));
  CHECK_FALSE(exists(dir / "a/q"));
}

TEST_CASE("quarantine: entries that were written stay, whatever the start does", "[quarantine]") {
  const TempDir dir;
  const auto quarantine = Quarantine::open(dir / "q", kMaxBytes).value();
  QuarantineEntry entry;
  entry.bytes = "kept";
  quarantine->put(entry);
  quarantine->undo_open();
  CHECK_FALSE(read_file(dir / "q/quarantine.jsonl").empty());
}

TEST_CASE("quarantine: an open that fails takes back what it made before", "[quarantine]") {
  const TempDir dir;
  const std::string too_long(256, 'x');  // of a file name
  CHECK_FALSE(Quarantine::open(dir / "a/b/" + too_long, kMaxBytes));
  CHECK_FALSE(exists(dir / "a"));
}

TEST_CASE("runner: takes the sink's open back, also one that failed", "[sink_runner]") {
  const TempDir dir;
  const auto quarantine = Quarantine::open(dir.path(), kMaxBytes).value();
  int undone = 0;
  Leftover leftover(dir.path(), system_files());
  test::QueuedRunner runner("archive", std::make_unique<UndoneSink>(undone), kMaxBytes, *quarantine,
                            leftover, [] {});
  REQUIRE_FALSE(runner.open());
  runner.undo_open();
  CHECK(undone == 1);
}
