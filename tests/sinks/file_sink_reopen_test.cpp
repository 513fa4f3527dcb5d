// Reopening, after files or their directory were moved away.
#include <catch2/catch.hpp>

#include <filesystem>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("file sink: reopen leaves the moved file and makes the new one", "[sinks][reopen]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "out"));
  REQUIRE(sink.open());
  CHECK(sink.write(line("1")) == WriteStatus::kDelivered);
  std::filesystem::rename(dir / "out", dir / "out.1");
  CHECK(sink.write(line("2")) == WriteStatus::kDelivered);
  CHECK_FALSE(std::filesystem::exists(dir / "out"));
  sink.request_reopen();
  SECTION("at the next write") {}
  SECTION("at the next tick") {
    sink.tick();
    CHECK(std::filesystem::exists(dir / "out"));
  }
  CHECK(sink.write(line("3")) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out.1") == "1\n2\n");
  CHECK(read_file(dir / "out") == "3\n");
}

TEST_CASE(
    "file sink: reopen in the middle of a batch goes on in the new file with the next whole record",
    "[sinks][reopen]") {
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kAlways);
  const std::string all = "first\nsecond\nthird\n";
  for (std::size_t space = 0; space < all.size(); ++space) {
    const TempDir dir;
    FaultyFiles files;
    config::Sink config = config_for(dir / "out");
    config.sync = sync;
    FileSink sink(config, files);
    REQUIRE(sink.open());
    const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"first", "second", "third"}).take();
    files.space = static_cast<std::int64_t>(space);
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    std::filesystem::rename(dir / "out", dir / "out.1");
    sink.request_reopen();
    files.space = INT64_MAX;
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    const std::string old = read_file(dir / "out.1");
    CAPTURE(space, old);
    CHECK(old + read_file(dir / "out") == all);
    CHECK((old.empty() || old.back() == '\n'));
  }
}

TEST_CASE("file sink: a record torn in the file that a reopen made is cut off there",
          "[sinks][reopen]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "out"), files);
  REQUIRE(sink.open());
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"first", "second", "third"}).take();
  files.space = 9;  // "first\nsec"
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  std::filesystem::rename(dir / "out", dir / "out.1");
  sink.request_reopen();
  files.space = 11;  // "second\nthir"
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  const auto left = sink.abandon(batch);
  REQUIRE(left.size() == 1);
  CHECK((left[0].first == 2 && left[0].count == 1));
  CHECK(read_file(dir / "out.1") == "first\n");
  CHECK(read_file(dir / "out") == "second\n");
}

TEST_CASE("file sink: reopen finds a directory that was taken away", "[sinks][reopen]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "a/{peer}"));
  REQUIRE(sink.open());
  CHECK(sink.write(line("1")) == WriteStatus::kDelivered);
  std::filesystem::remove_all(dir / "a");
  sink.request_reopen();
  CHECK(sink.write(line("2")) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "a/10.0.0.1") == "2\n");
}
