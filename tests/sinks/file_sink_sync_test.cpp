// What each `sync` promises, and what becomes of records whose sync fails.
#include <catch2/catch.hpp>

#include <filesystem>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("file sink: sync = always syncs each file and new names before delivered",
          "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}", config::Sync::kAlways), files);
  REQUIRE(sink.open());
  CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
  CHECK(files.syncs == 2);
  CHECK(files.directory_syncs == 2);
  CHECK(sink.write(BatchBuilder().lines(kOrigin, kA, 0, {"x"}).take()) == WriteStatus::kDelivered);
  CHECK(files.syncs == 3);
  CHECK(files.directory_syncs == 2);
}

TEST_CASE("file sink: after a failed sync the records are cut off, written and synced again",
          "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  write_file(dir / "10.0.0.1", "before\n");
  FileSink sink(config_for(dir / "{peer}", config::Sync::kAlways), files);
  REQUIRE(sink.open());
  files.sync_error["10.0.0.1"] = -EIO;
  const Batch batch = two_peers();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "sync " + dir / "10.0.0.1" + ": input/output error");
  CHECK(read_file(dir / "10.0.0.1") == "before\n");
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
  CHECK(sink.failed_syncs() == 1);

  SECTION("recovered") {
    files.sync_error.clear();
    const std::size_t writes = files.writes;
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(files.writes == writes + 1);  // the other file is not touched again
    CHECK(read_file(dir / "10.0.0.1") == "before\n" + kTextA);
  }
  SECTION("given up") {
    CHECK(flat(sink.abandon(batch)) == "0+2 4+2 ");
    CHECK(read_file(dir / "10.0.0.1") == "before\n");
  }
}

TEST_CASE("file sink: a name that cannot be made durable is not delivered", "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}", config::Sync::kAlways), files);
  REQUIRE(sink.open());
  files.directory_sync_error = -EIO;
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"x"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  files.directory_sync_error = 0;
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == "x\n");
}

TEST_CASE("file sink: a directory that somebody renamed before the first sync stops nothing",
          "[sinks][sync]") {
  const TempDir dir;
  const bool replaced_by_file = GENERATE(false, true);
  const auto sync = GENERATE(config::Sync::kInterval, config::Sync::kAlways);
  CAPTURE(replaced_by_file, sync);
  FaultyFiles files;
  FileSink sink(config_for(dir / "d/out", sync), files);
  REQUIRE(sink.open());
  std::filesystem::rename(dir / "d", dir / "moved");
  if (replaced_by_file) write_file(dir / "d", "");
  CHECK(sink.write(line("x")) == WriteStatus::kDelivered);
  CHECK(sink.close());
  CHECK(read_file(dir / "moved/out") == "x\n");
  CHECK(files.syncs == 1);
  CHECK(sink.failed_syncs() == 0);
}

TEST_CASE("file sink: with sync = always a file is synced before it makes way for another",
          "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  config::Sink config = config_for(dir / "{peer}", config::Sync::kAlways);
  config.max_open_files = 1;
  FileSink sink(config, files);
  REQUIRE(sink.open());
  files.sync_error["10.0.0.1"] = -EIO;
  const Batch batch = two_peers();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(read_file(dir / "10.0.0.1").empty());
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
  files.sync_error.clear();
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == kTextA);
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
}

TEST_CASE("file sink: giving up with sync = always keeps what could be synced", "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "out", config::Sync::kAlways), files);
  REQUIRE(sink.open());
  files.space = 4;
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"aa", "bb", "cc"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(files.syncs == 0);
  SECTION("the sync succeeds") {
    CHECK(flat(sink.abandon(batch)) == "1+2 ");
    CHECK(files.syncs == 1);
    CHECK(read_file(dir / "out") == "aa\n");
  }
  SECTION("the sync fails") {
    files.sync_error["out"] = -EIO;
    CHECK(flat(sink.abandon(batch)) == "0+3 ");
    CHECK(read_file(dir / "out").empty());
  }
}

TEST_CASE(
    "file sink: sync = interval delivers when written and syncs when due, at eviction and at the "
    "end",
    "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  config::Sink config = config_for(dir / "{peer}", config::Sync::kInterval);
  SECTION("not due") {
    FileSink sink(config, files);
    REQUIRE(sink.open());
    CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
    sink.tick();
    CHECK(files.syncs == 0);
    CHECK(sink.close());
    CHECK(files.syncs == 2);
  }
  SECTION("due") {
    config.sync_interval = std::chrono::milliseconds(0);
    FileSink sink(config, files);
    REQUIRE(sink.open());
    CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
    sink.tick();
    CHECK(files.syncs == 2);
    sink.tick();
    CHECK(files.syncs == 2);  // nothing new
  }
  SECTION("eviction") {
    config.max_open_files = 1;
    FileSink sink(config, files);
    REQUIRE(sink.open());
    CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
    CHECK(files.syncs == 1);
  }
  SECTION("a sync that fails is counted") {
    FileSink sink(config, files);
    REQUIRE(sink.open());
    CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
    files.sync_error["10.0.0.2"] = -EIO;
    const auto closed = sink.close();
    REQUIRE_FALSE(closed);
    CHECK_THAT(closed.error().message, Catch::StartsWith("sink \"archive\": close ") &&
                                           Catch::EndsWith("input/output error"));
    CHECK(sink.failed_syncs() == 1);
    CHECK(files.open_now() == 0);
  }
}

TEST_CASE("file sink: sync = never never syncs", "[sinks][sync]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "x/{peer}"), files);
  REQUIRE(sink.open());
  CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
  sink.tick();
  CHECK(sink.close());
  CHECK(files.syncs + files.directory_syncs == 0);
}
