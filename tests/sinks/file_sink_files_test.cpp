// Which files the sink opens, finds, repairs, closes and opens again.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <thread>

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
const Peer kA = inet_peer(10, 0, 0, 1), kB = inet_peer(10, 0, 0, 2);

config::Sink config_for(const std::string& path) { return {.name = "archive", .path = path}; }

Batch line(const std::string& text, const Peer& peer = kA, std::int64_t time_ns = 0) {
  return BatchBuilder(1024).lines(kOrigin, peer, time_ns, {text}).take();
}

std::string read_all(int fd) {
  std::string out;
  char buffer[65536];
  for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(n));
  return out;
}

}  // namespace

TEST_CASE("file sink: a file that does not end in a LF is repaired once", "[sinks][file]") {
  const TempDir dir;
  write_file(dir / "out", "whole\ntorn");
  FileSink sink(config_for(dir / "out"));
  REQUIRE(sink.open());
  CHECK(sink.repaired() == 1);
  CHECK(sink.write(line("next")) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == "whole\ntorn\nnext\n");
}

TEST_CASE("file sink: a repair that finds no room is tried again with the next write",
          "[sinks][file]") {
  const TempDir dir;
  write_file(dir / "10.0.0.1", "torn");
  FaultyFiles files;
  files.space = 0;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  const Batch batch = line("next");
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(files.open_now() == 0);
  files.space = INT64_MAX;
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == "torn\nnext\n");
  CHECK(sink.repaired() == 1);
}

TEST_CASE("file sink: open says what is wrong before the first accept", "[sinks][file]") {
  const TempDir dir;
  write_file(dir / "file", "x");
  std::filesystem::create_directory(dir / "folder");
  const auto message = [](const std::string& path, FileOps& files) {
    FileSink sink(config_for(path), files);
    const auto opened = sink.open();
    REQUIRE_FALSE(opened);
    return opened.error().message;
  };
  FaultyFiles files;
  CHECK(message(dir / "folder", files) ==
        "sink \"archive\": open " + dir / "folder" + ": is a directory");
  CHECK(message(dir / "file/x/out.log", files) ==
        "sink \"archive\": create directory " + dir / "file/x: not a directory");
  CHECK(message(dir / "file/{peer}", files) ==
        "sink \"archive\": create directory " + dir / "file: not a directory");
  CHECK_THAT(message(dir / "{pear}", files),
             Catch::StartsWith("sink \"archive\": path \"") && Catch::Contains("{pear}"));
  CHECK(message("/proc/nowhere/{peer}", files) ==
        "sink \"archive\": create directory /proc/nowhere: no such file or directory");
  files.open_error["out.log"] = -EACCES;
  CHECK(message(dir / "out.log", files) ==
        "sink \"archive\": open " + dir / "out.log" + ": permission denied");
}

TEST_CASE("file sink: a base directory without rights is refused at open", "[sinks][file]") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "data");
  REQUIRE(chmod((dir / "data").c_str(), 0500) == 0);
  if (geteuid() == 0) REQUIRE(seteuid(65534) == 0);
  // The parent is 0700 of root: any refusal names the directory that was asked for.
  FileSink sink(config_for(dir / "data/{peer}"));
  const auto opened = sink.open();
  if (getuid() == 0) REQUIRE(seteuid(0) == 0);
  REQUIRE_FALSE(opened);
  CHECK_THAT(opened.error().message, Catch::StartsWith("sink \"archive\": ") &&
                                         Catch::EndsWith(dir / "data" + ": permission denied"));
}

TEST_CASE("file sink: sockets are refused", "[sinks][file]") {
  const TempDir dir;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (dir / "socket").copy(address.sun_path, sizeof address.sun_path - 1);
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  FileSink sink(config_for(dir / "socket"));
  CHECK_FALSE(sink.open());
  ::close(fd);
}

TEST_CASE("file sink: /dev/null and symbolic links of the operator work", "[sinks][file]") {
  const TempDir dir;
  FileSink null(config_for("/dev/null"));
  REQUIRE(null.open());
  CHECK(null.write(line("x")) == WriteStatus::kDelivered);
  CHECK(null.close());

  std::filesystem::create_directory(dir / "elsewhere");
  std::filesystem::create_symlink("elsewhere", dir / "base");
  std::filesystem::create_symlink("target", dir / "base/out");
  FileSink linked(config_for(dir / "base/out"));
  REQUIRE(linked.open());
  CHECK(linked.write(line("x")) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "elsewhere/target") == "x\n");
}

TEST_CASE("file sink: a file that may be written but not read is appended to", "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  // The first try asks for reading too; root would get it, so the refusal is made here.
  struct WriteOnly final : FileOps {
    FileOps& real = system_files();
    int open(const char* path, int flags, mode_t mode) noexcept override {
      return (flags & O_ACCMODE) == O_RDWR && std::string_view(path).ends_with("out")
                 ? -EACCES
                 : real.open(path, flags, mode);
    }
    int close(int fd) noexcept override { return real.close(fd); }
    std::int64_t write(int fd, const char* d, std::size_t n) noexcept override {
      return real.write(fd, d, n);
    }
    std::int64_t pread(int fd, char* d, std::size_t n, std::int64_t o) noexcept override {
      return real.pread(fd, d, n, o);
    }
    int fstat(int fd, struct stat& s) noexcept override { return real.fstat(fd, s); }
    int ftruncate(int fd, std::int64_t n) noexcept override { return real.ftruncate(fd, n); }
    int fdatasync(int fd) noexcept override { return real.fdatasync(fd); }
    int fsync(int fd) noexcept override { return real.fsync(fd); }
    int mkdir(const char* path, mode_t mode) noexcept override { return real.mkdir(path, mode); }
    int access(const char* path, int mode) noexcept override { return real.access(path, mode); }
  } write_only;
  write_file(dir / "out", "before\n");
  FileSink sink(config_for(dir / "out"), write_only);
  REQUIRE(sink.open());
  CHECK(sink.write(line("x")) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == "before\nx\n");
}

TEST_CASE("file sink: never more than max_open_files, least recently used closed first",
          "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  config::Sink config = config_for(dir / "{peer}");
  config.max_open_files = 2;
  FileSink sink(config, files);
  REQUIRE(sink.open());
  const auto write = [&](std::uint8_t peer) {
    return sink.write(line("x", inet_peer(10, 0, 0, peer)));
  };
  for (int round = 0; round < 3; ++round) {
    for (std::uint8_t peer = 1; peer <= 5; ++peer) CHECK(write(peer) == WriteStatus::kDelivered);
  }
  CHECK(files.open_now() == 2);
  for (std::uint8_t peer = 1; peer <= 5; ++peer)
    CHECK(read_file(dir / ("10.0.0." + std::to_string(peer))) == "x\nx\nx\n");
  write(4);
  const std::size_t opens = files.opens;
  write(5), write(4), write(1), write(4);  // 1 takes the place of 5
  CHECK(files.opens == opens + 1);
  write(5);
  CHECK(files.opens == opens + 2);
}

TEST_CASE("file sink: without free descriptors it closes a file of its own", "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  CHECK(sink.write(line("a", kA)) == WriteStatus::kDelivered);
  files.max_descriptors = 1;
  CHECK(sink.write(line("b", kB)) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.2") == "b\n");
  files.max_descriptors = 0;
  const Batch batch = line("c", kA);
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK_THAT(sink.last_error(), Catch::EndsWith("too many open files"));
  files.max_descriptors = 1;
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
}

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
    std::thread other([&] { sink.request_interrupt(); });
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(900));
    other.join();
    const auto left = sink.abandon(batch);
    REQUIRE(left.size() == 1);
    CHECK(left[0].first + left[0].count == 4000);
    CHECK(left[0].first == 655);  // 65536 bytes in the pipe
    // The torn record cannot be taken back from a pipe; the next one starts on a line of its own.
    const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
    CHECK(read_all(reader).size() == 65536);
    CHECK(sink.write(line("next")) == WriteStatus::kDelivered);
    CHECK(read_all(reader) == "\nnext\n");
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

TEST_CASE("file sink: ten thousand peers with few open files", "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  for (int round = 0; round < 2; ++round) {
    BatchBuilder builder(std::size_t{1} << 20);
    for (unsigned peer = 0; peer < 10'000; ++peer) {
      builder.lines(
          kOrigin,
          inet_peer(10, 1, static_cast<std::uint8_t>(peer >> 8), static_cast<std::uint8_t>(peer)),
          0, {std::to_string(peer)});
    }
    CHECK(sink.write(builder.take()) == WriteStatus::kDelivered);
  }
  CHECK(files.most_open <= 128);
  CHECK(read_file(dir / "10.1.39.15") == "9999\n9999\n");
  CHECK(read_file(dir / "10.1.0.0") == "0\n0\n");
}

TEST_CASE("file sink: more peers than it remembers", "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  for (unsigned batch = 0; batch < 3; ++batch) {
    BatchBuilder builder(std::size_t{1} << 20);
    for (unsigned peer = 0; peer < 20'000; ++peer) {
      builder.lines(
          kOrigin,
          inet_peer(11, 0, static_cast<std::uint8_t>(peer >> 8), static_cast<std::uint8_t>(peer)),
          0, {"x"});
    }
    CHECK(sink.write(builder.take()) == WriteStatus::kDelivered);
  }
  CHECK(read_file(dir / "11.0.78.31") == "x\nx\nx\n");
}

TEST_CASE("file sink: the file of a past hour is closed once nothing more comes for it",
          "[sinks][file]") {
  constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000, kSecond = 1'000'000'000;
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "%H.log"), files);
  REQUIRE(sink.open());
  CHECK(sink.write(line("a", kA, kHour - kSecond)) == WriteStatus::kDelivered);
  CHECK(sink.write(line("b", kA, kHour + kSecond)) == WriteStatus::kDelivered);
  sink.tick();
  CHECK(files.open_now() == 2);  // a slower loop may still bring some
  CHECK(sink.write(line("c", kA, kHour + 15 * kSecond)) == WriteStatus::kDelivered);
  sink.tick();
  CHECK(files.open_now() == 1);
  CHECK(sink.write(line("d", kA, kHour - kSecond)) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "00.log") == "a\nd\n");
  CHECK(read_file(dir / "01.log") == "b\nc\n");
}
