// Which files the sink opens, finds, repairs and closes.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::int64_t kHour = std::int64_t{3600} * 1'000'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

/// A line from each peer from 10.1.0.0 on: its number.
Batch many_peers(unsigned count) {
  BatchBuilder builder(std::size_t{1} << 20);
  for (unsigned n = 0; n < count; ++n) {
    const Peer peer =
        inet_peer(10, 1, static_cast<std::uint8_t>(n >> 8), static_cast<std::uint8_t>(n));
    builder.lines(kOrigin, peer, 0, {std::to_string(n)});
  }
  return builder.take();
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
  struct WriteOnly final : PassedFiles {
    int open(const char* path, int flags, mode_t mode) noexcept override {
      return (flags & O_ACCMODE) == O_RDWR && std::string_view(path).ends_with("out")
                 ? -EACCES
                 : real_.open(path, flags, mode);
    }
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

TEST_CASE("file sink: ten thousand peers with few open files", "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "{peer}"), files);
  REQUIRE(sink.open());
  for (int round = 0; round < 2; ++round) {
    CHECK(sink.write(many_peers(10'000)) == WriteStatus::kDelivered);
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
    CHECK(sink.write(many_peers(20'000)) == WriteStatus::kDelivered);
  }
  CHECK(read_file(dir / "10.1.78.31") == "19999\n19999\n19999\n");
}

TEST_CASE("file sink: the file of a past hour is closed once nothing more comes for it",
          "[sinks][file]") {
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

TEST_CASE("file sink: the file of a past hour is closed when nothing comes at all",
          "[sinks][file]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(config_for(dir / "%H.log"), files);
  REQUIRE(sink.open());
  CHECK(sink.write(line("a", kA, 0)) == WriteStatus::kDelivered);
  const auto open_at = [&](std::int64_t time_ns) {
    files.clock_ns = time_ns;
    sink.tick();
    return files.open_now();
  };
  CHECK(open_at(kHour - kSecond) == 1);  // idle, but its hour is not over
  CHECK(sink.write(line("b", kA, kHour - kSecond)) == WriteStatus::kDelivered);
  CHECK(open_at(kHour + 5 * kSecond) == 1);
  CHECK(open_at(kHour + 15 * kSecond) == 0);
  CHECK(sink.write(line("c", kA, kHour - kSecond)) == WriteStatus::kDelivered);
  CHECK(sink.write(line("d", kA, kHour + 16 * kSecond)) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "00.log") == "a\nb\nc\n");
  CHECK(read_file(dir / "01.log") == "d\n");
}
