// The file sink against the system itself: a full device, a size limit, a small file system, a kill.
#include <catch2/catch.hpp>

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

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
  FileSink sink(config_for(dir / "out"));
  REQUIRE(sink.open());
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"aa", "bb", "cc"}).take();
  WriteStatus status = WriteStatus::kDelivered;
  {
    const FileSizeLimit full(4);  // "aa\nb"
    status = sink.write(batch);
  }
  CHECK(status == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write " + dir / "out" + ": file too large");
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
