// A start that fails after open(), or in it, leaves nothing behind.
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("file sink: a failed start takes back the file and the directories it made",
          "[sinks][file]") {
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kAlways);
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "a/b/c/out.log", sync), files);
  REQUIRE(sink.open());
  REQUIRE(exists(dir / "a/b/c/out.log"));
  sink.undo_open();
  CHECK_FALSE(exists(dir / "a"));
  CHECK(exists(dir.path()));
  CHECK(files.open_now() == 0);
}

TEST_CASE("file sink: a failed start takes back the directories before a template",
          "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "a/b/{peer}.log"));
  REQUIRE(sink.open());
  REQUIRE(exists(dir / "a/b"));
  sink.undo_open();
  CHECK_FALSE(exists(dir / "a"));
}

TEST_CASE("file sink: a failed start leaves files and directories that were there",
          "[sinks][file]") {
  const auto before = GENERATE(as<std::string>{}, "", "whole\n");
  const TempDir dir;
  write_file(dir / "out.log", before);
  FileSink sink(config_for(dir / "out.log"));
  REQUIRE(sink.open());
  sink.undo_open();
  REQUIRE(exists(dir / "out.log"));
  CHECK(read_file(dir / "out.log") == before);
}

TEST_CASE("file sink: a failed start leaves an empty directory that was there", "[sinks][file]") {
  const TempDir dir;
  REQUIRE(::mkdir((dir / "a").c_str(), 0750) == 0);
  FileSink sink(config_for(dir / "a/b/out.log"));
  REQUIRE(sink.open());
  sink.undo_open();
  CHECK(exists(dir / "a"));
  CHECK_FALSE(exists(dir / "a/b"));
}

TEST_CASE("file sink: a failed start leaves what others have put there meanwhile",
          "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "a/b/out.log"));
  REQUIRE(sink.open());
  SECTION("beside the file") {
    write_file(dir / "a/b/foreign", "");
    sink.undo_open();
    CHECK(exists(dir / "a/b/foreign"));
    CHECK_FALSE(exists(dir / "a/b/out.log"));
  }
  SECTION("beside its directory") {
    write_file(dir / "a/foreign", "");
    sink.undo_open();
    CHECK(exists(dir / "a/foreign"));
    CHECK_FALSE(exists(dir / "a/b"));
  }
  SECTION("into the file") {
    write_file(dir / "a/b/out.log", "theirs\n");
    sink.undo_open();
    CHECK(read_file(dir / "a/b/out.log") == "theirs\n");
  }
  SECTION("in the file's place") {
    REQUIRE(::unlink((dir / "a/b/out.log").c_str()) == 0);
    write_file(dir / "a/b/out.log", "");
    sink.undo_open();
    CHECK(exists(dir / "a/b/out.log"));
  }
}

TEST_CASE("file sink: an open that fails half way is taken back as well", "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "a/b/out.log", config::Sync::kAlways), files);
  SECTION("no file") { files.open_error["out.log"] = -EACCES; }
  SECTION("no sync of the new directory") { files.directory_sync_error = -EIO; }
  REQUIRE_FALSE(sink.open());
  REQUIRE(exists(dir / "a"));
  sink.undo_open();
  CHECK_FALSE(exists(dir / "a"));
  CHECK(files.open_now() == 0);
}

TEST_CASE("file sink: the target of a symbolic link is taken back, the link is not ours",
          "[sinks][file]") {
  const TempDir dir;
  REQUIRE(::symlink("target", (dir / "out.log").c_str()) == 0);
  FileSink sink(config_for(dir / "out.log"));
  REQUIRE(sink.open());
  REQUIRE(exists(dir / "target"));
  sink.undo_open();
  CHECK_FALSE(exists(dir / "target"));
  CHECK(exists(dir / "out.log"));
}

TEST_CASE("file sink: nothing is taken back without open() or after a write()", "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "a/out.log"));
  sink.undo_open();
  REQUIRE(sink.open());
  CHECK(sink.write(line("one")) == WriteStatus::kDelivered);
  write_file(dir / "a/out.log", "");  // emptied, by a rotator that copies and truncates
  sink.undo_open();
  CHECK(exists(dir / "a/out.log"));
}

TEST_CASE("file sink: can be opened again after it was taken back", "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "a/out.log"));
  REQUIRE(sink.open());
  sink.undo_open();
  REQUIRE(sink.open());
  CHECK(sink.write(line("one")) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "a/out.log") == "one\n");
}

TEST_CASE("file sink: sinks taken back in reverse leave nothing of directories they share",
          "[sinks][file]") {
  const TempDir dir;
  FileSink first(config_for(dir / "data/x/one.log")), second(config_for(dir / "data/y/two.log"));
  REQUIRE(first.open());
  REQUIRE(second.open());
  second.undo_open();
  first.undo_open();
  CHECK_FALSE(exists(dir / "data"));
}
