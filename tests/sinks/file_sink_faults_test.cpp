// What fails below the file sink while it writes, and that no record is torn, doubled or lost by it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

std::string frames_of(const Batch& batch, const std::vector<FrameRange>& ranges) {
  std::string out;
  for (const FrameRange& range : ranges) {
    for (std::size_t at = range.first; at < range.first + range.count; ++at) {
      out += std::string(batch.bytes(batch.frames[at])) + '|';
    }
  }
  return out;
}

}  // namespace

TEST_CASE("file sink: a disk that fills at any byte loses, tears and doubles nothing",
          "[sinks][faults]") {
  const std::string all = "x\nlong line\nop\\naque\nend\n";
  for (const auto sync : {config::Sync::kNever, config::Sync::kAlways}) {
    for (std::size_t space = 0; space <= all.size(); ++space) {
      CAPTURE(space, sync);
      const TempDir dir;
      FaultyFiles files;
      FileSink sink(config_for(dir / "out.log", sync), files);
      REQUIRE(sink.open());
      files.space = static_cast<std::int64_t>(space);
      BatchBuilder builder;
      builder.lines(kOrigin, kA, 0, {"x", "long line"})
          .opaque(kOrigin, kB, 0, {"op\naque"})
          .gap("\n");
      const Batch batch = builder.lines(kOrigin, kA, 0, {"end"}).take();
      WriteStatus status = sink.write(batch);
      if (space < all.size()) {
        CHECK(status == WriteStatus::kRetry);
        CHECK(sink.last_error() == "write " + dir / "out.log" + ": no space left on device");
        CHECK(sink.write(batch) == WriteStatus::kRetry);
      }
      CHECK(read_file(dir / "out.log") == all.substr(0, space));
      files.space = INT64_MAX;
      if (status == WriteStatus::kRetry) status = sink.write(batch);
      CHECK(status == WriteStatus::kDelivered);
      CHECK(read_file(dir / "out.log") == all);
    }
  }
}

TEST_CASE("file sink: giving up at any byte leaves whole records and names the rest",
          "[sinks][faults]") {
  const std::string all = "x\nlong line\nop\\naque\nend\n";
  for (std::size_t space = 0; space < all.size(); ++space) {
    CAPTURE(space);
    const TempDir dir;
    FaultyFiles files;
    write_file(dir / "out.log", "before\n");
    FileSink sink(config_for(dir / "out.log"), files);
    REQUIRE(sink.open());
    files.space = static_cast<std::int64_t>(space);
    BatchBuilder builder;
    builder.lines(kOrigin, kA, 0, {"x", "long line"}).opaque(kOrigin, kB, 0, {"op\naque"});
    const Batch batch = builder.lines(kOrigin, kA, 0, {"end"}).take();
    REQUIRE(sink.write(batch) == WriteStatus::kRetry);
    const auto left = sink.abandon(batch);
    const std::string written = all.substr(0, space);
    const std::size_t whole =
        written.rfind('\n') == std::string::npos ? 0 : written.rfind('\n') + 1;
    CHECK(read_file(dir / "out.log") == "before\n" + all.substr(0, whole));
    const auto records = static_cast<std::size_t>(std::count(written.begin(), written.end(), '\n'));
    CHECK(flat(left) == std::to_string(records) + '+' + std::to_string(4 - records) + ' ');
    files.space = INT64_MAX;
    CHECK(sink.write(BatchBuilder().lines(kOrigin, kA, 0, {"next"}).take()) ==
          WriteStatus::kDelivered);
    CHECK(read_file(dir / "out.log") == "before\n" + all.substr(0, whole) + "next\n");
  }
}

TEST_CASE("file sink: short writes and EINTR are gone on from", "[sinks][faults]") {
  const TempDir dir;
  FaultyFiles files;
  files.most_at_once = 1;
  files.interrupted_writes = 5;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == kTextA);
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
}

TEST_CASE("file sink: one file that fails does not hold up the others", "[sinks][faults]") {
  const int error = GENERATE(-ENOSPC, -EDQUOT, -EIO, -EFBIG);
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  files.write_error["10.0.0.1"] = error;
  const Batch batch = two_peers();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(read_file(dir / "10.0.0.1").empty());
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
  CHECK(sink.last_error() == "write " + dir / "10.0.0.1" + ": " + errno_text(error));

  SECTION("recovered") {
    files.write_error.clear();
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(read_file(dir / "10.0.0.1") == kTextA);
  }
  SECTION("given up") { CHECK(frames_of(batch, sink.abandon(batch)) == "a0|a1|a\n4|a5|"); }
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
}

TEST_CASE("file sink: a file that cannot be opened is retried, the others are written",
          "[sinks][faults]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  files.open_error["10.0.0.2"] = -EACCES;
  const Batch batch = two_peers();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "open " + dir / "10.0.0.2" + ": permission denied");
  CHECK(read_file(dir / "10.0.0.1") == kTextA);
  files.open_error.clear();
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == kTextA);
  CHECK(read_file(dir / "10.0.0.2") == kTextB);
}

TEST_CASE("file sink: torn files may be closed for others while the disk is full",
          "[sinks][faults]") {
  const TempDir dir;
  FaultyFiles files;
  config::Sink config = config_for(dir / "{peer}");
  config.max_open_files = 1;
  FileSink sink(config, files);
  REQUIRE(sink.open());
  BatchBuilder builder;
  builder.lines(kOrigin, kA, 0, {"first", "second"})
      .lines(kOrigin, kB, 0, {"third"})
      .lines(kOrigin, kC, 0, {"fourth"});
  const Batch batch = builder.take();
  files.space = 9;  // "first\nsec"
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(files.open_now() == 1);
  CHECK(read_file(dir / "10.0.0.1") == "first\n");
  files.space = INT64_MAX;
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == "first\nsecond\n");
  CHECK(read_file(dir / "10.0.0.2") == "third\n");
  CHECK(read_file(dir / "10.0.0.3") == "fourth\n");
  CHECK(sink.repaired() == 0);
}

TEST_CASE("file sink: a torn record behind which others wrote is not cut, a LF ends it",
          "[sinks][faults]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "out"), files);
  REQUIRE(sink.open());
  files.space = 3;
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"torn record"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  std::ofstream(dir / "out", std::ios::app) << "+other\n+tail";
  CHECK(flat(sink.abandon(batch)) == "0+1 ");
  files.space = INT64_MAX;
  CHECK(sink.write(BatchBuilder().lines(kOrigin, kA, 0, {"next"}).take()) ==
        WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == "tor+other\n+tail\nnext\n");
}

TEST_CASE(
    "file sink: where cutting fails the torn record is ended by a LF as soon as there is room",
    "[sinks][faults]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "out"), files);
  REQUIRE(sink.open());
  files.space = 3;
  files.cut_error = -EIO;
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"torn record"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  sink.abandon(batch);
  const Batch next = BatchBuilder().lines(kOrigin, kA, 0, {"next"}).take();
  CHECK(sink.write(next) == WriteStatus::kRetry);
  files.space = INT64_MAX;
  CHECK(sink.write(next) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == "tor\nnext\n");
}

TEST_CASE("file sink: an interrupt ends a write and stays until abandon", "[sinks][faults]") {
  const TempDir dir;
  FaultyFiles files;
  files.most_at_once = 1;
  FileSink sink(config_for(dir / "out"), files);
  REQUIRE(sink.open());
  int left = 5;
  files.before_write = [&] {
    if (--left == 0) sink.request_interrupt();
  };
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"aa", "bb", "cc"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "interrupted");
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(flat(sink.abandon(batch)) == "1+2 ");
  CHECK(read_file(dir / "out") == "aa\n");
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == "aa\naa\nbb\ncc\n");
}
