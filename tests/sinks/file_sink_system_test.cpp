// The file sink against the system itself: a full device, a size limit, a small file system, a FIFO, a kill.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/sinks/interrupts.h"
#include "tests/support/descriptors.h"
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

TEST_CASE("file sink: a FIFO takes records, waits for its reader and can be interrupted",
          "[sinks][fifo]") {
  const TempDir dir;
  const std::string path = dir / "fifo";
  REQUIRE(mkfifo(path.c_str(), 0600) == 0);
  FileSink sink(config_for(path));
  REQUIRE(sink.open());
  const std::vector<std::string> lines(4000, std::string(99, 'f'));
  const Batch batch = BatchBuilder(std::size_t{1} << 20).lines(kOrigin, kA, 0, lines).take();

  SECTION("nobody reads: retry with a reason, then interrupted at once") {
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    CHECK(sink.last_error() == "write " + path + ": full, nobody reads it");
    check_interrupt_ends_write(sink, batch);
    const auto left = sink.abandon(batch);
    REQUIRE(left.size() == 1);
    CHECK(left[0].first + left[0].count == 4000);
    CHECK(left[0].first == 655);  // 65536 bytes in the pipe
    // The torn record cannot be taken back from a pipe; the next one starts on a line of its own.
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    CHECK(read_to_end(reader).size() == 65536);
    CHECK(sink.write(line("next")) == WriteStatus::kDelivered);
    CHECK(read_to_end(reader) == "\nnext\n");
    ::close(reader);
  }
  SECTION("a reader: everything arrives, in the middle of a reopen too") {
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    sink.request_reopen();
    std::string got;
    std::thread reader([&] {
      const int fd = ::open(path.c_str(), O_RDONLY);
      char buffer[5000];
      while (got.size() < 400'000)
        got.append(buffer, static_cast<std::size_t>(::read(fd, buffer, sizeof buffer)));
      ::close(fd);
    });
    while (sink.write(batch) != WriteStatus::kDelivered) {
    }
    reader.join();
    CHECK(got == std::string(batch.block->data(), batch.end));
  }
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
