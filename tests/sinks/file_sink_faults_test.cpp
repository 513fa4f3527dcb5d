// What fails below the file sink, and that no record is torn, doubled or lost by it.
#include <catch2/catch.hpp>

#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "server/sinks/file_sink.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/temp_dir.h"

using namespace penstock;
using testing::BatchBuilder;
using testing::FaultyFiles;
using testing::inet_peer;
using testing::read_file;
using testing::TempDir;
using testing::write_file;

namespace {

const Origin kOrigin{"one", "tcp://127.0.0.1:1"};
const Peer kA = inet_peer(10, 0, 0, 1), kB = inet_peer(10, 0, 0, 2), kC = inet_peer(10, 0, 0, 3);

config::Sink config_for(const std::string& path, config::Sync sync = config::Sync::kNever) {
  return {.name = "archive", .path = path, .sync = sync, .sync_interval = std::chrono::hours(1)};
}

// Lines of two peers interleaved with opaque records.
Batch two_peers() {
  BatchBuilder builder;
  builder.lines(kOrigin, kA, 0, {"a0", "a1"}).lines(kOrigin, kB, 0, {"b2", "b3"});
  builder.opaque(kOrigin, kA, 0, {"a\n4", "a5"}).lines(kOrigin, kB, 0, {"b6"});
  return builder.take();
}
const std::string kTextA = "a0\na1\na\\n4\na5\n", kTextB = "b2\nb3\nb6\n";

std::string flat(const std::vector<FrameRange>& ranges) {
  std::string out;
  for (const FrameRange& range : ranges)
    out += std::to_string(range.first) + '+' + std::to_string(range.count) + ' ';
  return out;
}

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

TEST_CASE("file sink: /dev/full is retried and given up without cutting", "[sinks][faults]") {
  FileSink sink(config_for("/dev/full"));
  REQUIRE(sink.open());
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"aa", "bb"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write /dev/full: no space left on device");
  CHECK(flat(sink.abandon(batch)) == "0+2 ");
  CHECK(sink.close());
}

TEST_CASE("file sink: a file size limit is retried like a full disk", "[sinks][faults]") {
  const TempDir dir;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  FileSink sink(config_for(dir / "out"));
  REQUIRE(sink.open());
  const rlimit small{4, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"aa", "bb", "cc"}).take();
  const WriteStatus status = sink.write(batch);
  const std::string error = sink.last_error();
  REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(status == WriteStatus::kRetry);
  CHECK(error == "write " + dir / "out" + ": file too large");
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == "aa\nbb\ncc\n");
}

TEST_CASE("file sink: a small file system that fills and is freed", "[sinks][faults][root]") {
  const TempDir dir;
  if (mount("tmpfs", dir.path().c_str(), "tmpfs", 0, "size=256k") != 0) {
    WARN("no right to mount: not tested here");
    return;
  }
  write_file(dir / "ballast", std::string(100'000, 'b'));
  std::string expected, got;
  {
    FileSink sink(config_for(dir / "{peer}"));
    REQUIRE(sink.open());
    int filled = 0;
    for (int round = 0; filled < 1; ++round) {
      BatchBuilder builder;
      const std::vector<std::string> lines(50,
                                           std::string(199, static_cast<char>('a' + round % 26)));
      const Batch batch = builder.lines(kOrigin, kA, 0, lines).lines(kOrigin, kB, 0, {"b"}).take();
      for (const std::string& line : lines) expected += line + '\n';
      WriteStatus status = sink.write(batch);
      if (status == WriteStatus::kRetry) {
        ++filled;
        CHECK_THAT(sink.last_error(), Catch::EndsWith("no space left on device"));
        CHECK(sink.write(batch) == WriteStatus::kRetry);
        std::filesystem::remove(dir / "ballast");
        status = sink.write(batch);
      }
      CHECK(status == WriteStatus::kDelivered);
    }
    CHECK(sink.close());
    got = read_file(dir / "10.0.0.1");
  }
  CHECK(umount2(dir.path().c_str(), MNT_DETACH) == 0);
  CHECK(expected == got);
}

TEST_CASE(
    "file sink: a kill at any time loses nothing delivered, and the next start repairs the end",
    "[sinks][faults]") {
  for (int round = 0; round < 20; ++round) {
    const TempDir dir;
    int report[2];
    REQUIRE(pipe(report) == 0);
    const pid_t child = fork();
    if (child == 0) {
      FaultyFiles files;
      files.most_at_once = 7;  // torn at most times
      FileSink sink(config_for(dir / "out"), files);
      if (!sink.open()) _exit(1);
      for (int at = 0;; ++at) {
        const std::string line = "record number " + std::to_string(at);
        if (sink.write(BatchBuilder(256).lines(kOrigin, kA, 0, {line}).take()) !=
            WriteStatus::kDelivered)
          _exit(1);
        if (write(report[1], "d", 1) != 1) _exit(1);
      }
    }
    ::close(report[1]);
    char buffer[64];
    std::size_t delivered = 0;
    while (delivered < 100 + static_cast<std::size_t>(round) * 7) {
      const ssize_t n = read(report[0], buffer, sizeof buffer);
      REQUIRE(n > 0);
      delivered += static_cast<std::size_t>(n);
    }
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    for (ssize_t n = 0; (n = read(report[0], buffer, sizeof buffer)) > 0;)
      delivered += static_cast<std::size_t>(n);
    ::close(report[0]);

    FileSink sink(config_for(dir / "out"));
    REQUIRE(sink.open());
    CHECK(sink.write(BatchBuilder().lines(kOrigin, kA, 0, {"after"}).take()) ==
          WriteStatus::kDelivered);
    std::ifstream in(dir / "out");
    std::string line;
    for (std::size_t at = 0; at < delivered; ++at) {
      REQUIRE(std::getline(in, line));
      REQUIRE(line == "record number " + std::to_string(at));
    }
    std::string last;
    while (std::getline(in, line)) last = line;
    CHECK(last == "after");
  }
}
