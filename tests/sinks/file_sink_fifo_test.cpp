// A FIFO as the file sink's path: readers that are not there yet, stand still, go, or are replaced.
#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/sinks/interrupts.h"
#include "tests/support/descriptors.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::size_t kPipeBytes = 65536;

/// A FIFO in a folder of its own, and SIGPIPE ignored as the server does it.
class Fifo {
 public:
  Fifo() : handler_(std::signal(SIGPIPE, SIG_IGN)) { make(); }
  Fifo(const Fifo&) = delete;
  Fifo& operator=(const Fifo&) = delete;
  ~Fifo() { std::signal(SIGPIPE, handler_); }

  void make() { REQUIRE(mkfifo(path.c_str(), 0600) == 0); }

  const TempDir dir;
  const std::string path = dir / "fifo";

 private:
  void (*handler_)(int);
};

/// A reader that has the FIFO open while it lives.
class Reader {
 public:
  explicit Reader(const Fifo& fifo) : fd_(::open(fifo.path.c_str(), O_RDONLY | O_NONBLOCK)) {
    REQUIRE(fd_ >= 0);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { ::close(fd_); }

  std::string read_all() { return read_to_end(fd_); }
  std::string read(std::size_t bytes) {
    std::string got(bytes, '\0');
    const ssize_t n = ::read(fd_, got.data(), bytes);
    got.resize(n < 0 ? 0 : static_cast<std::size_t>(n));
    return got;
  }
  /// Nobody has the FIFO open to write.
  bool at_end() {
    char byte = 0;
    return ::read(fd_, &byte, 1) == 0;
  }

 private:
  int fd_;
};

/// 4,000 records of 100 bytes, more than a pipe holds.
Batch large() {
  BatchBuilder builder(std::size_t{1} << 20);
  std::vector<std::string> lines;
  for (int i = 0; i < 4000; ++i) {
    std::string line = std::to_string(i);
    lines.push_back(line + std::string(99 - line.size(), 'f'));
  }
  return builder.lines(kOrigin, kA, 0, lines).take();
}
std::string text_of(const Batch& batch) { return {batch.block->data(), batch.end}; }

}  // namespace

TEST_CASE("file sink: a FIFO that nobody reads is no error at the start, and takes nothing",
          "[sinks][fifo]") {
  const Fifo fifo;
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kAlways);
  const bool dated = GENERATE(false, true);
  FileSink sink(config_for(dated ? fifo.dir / "{listener}" : fifo.path, sync));
  if (dated) std::filesystem::rename(fifo.path, fifo.dir / "one");
  const std::string path = dated ? fifo.dir / "one" : fifo.path;
  REQUIRE(sink.open());
  const Batch batch = BatchBuilder().lines(kOrigin, kA, 0, {"aa", "bb"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "nobody reads FIFO " + path);
  CHECK(flat(sink.abandon(batch)) == "0+2 ");
  CHECK(sink.close());
}

TEST_CASE("file sink: a FIFO's reader may come later", "[sinks][fifo]") {
  const Fifo fifo;
  FileSink sink(config_for(fifo.path));
  REQUIRE(sink.open());
  SECTION("after the records") {
    const Batch batch = line("x");
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    Reader reader(fifo);
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(reader.read_all() == "x\n");
  }
  SECTION("before any record: the next tick opens it") {
    sink.tick();
    Reader reader(fifo);
    CHECK(reader.at_end());
    sink.tick();
    CHECK_FALSE(reader.at_end());
    CHECK(sink.close());
    CHECK(reader.at_end());
  }
}

TEST_CASE("file sink: a FIFO takes records, waits for its reader and can be interrupted",
          "[sinks][fifo]") {
  const Fifo fifo;
  Reader reader(fifo);
  FileSink sink(config_for(fifo.path));
  REQUIRE(sink.open());
  const Batch batch = large();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write " + fifo.path + ": full, nobody reads it");
  check_interrupt_ends_write(sink, batch);
  CHECK(flat(sink.abandon(batch)) == "655+3345 ");  // 65536 bytes in the pipe
  // The torn record cannot be taken back from a pipe; the next one starts on a line of its own.
  CHECK(reader.read_all().size() == kPipeBytes);
  CHECK(sink.write(line("next")) == WriteStatus::kDelivered);
  CHECK(reader.read_all() == "\nnext\n");
}

TEST_CASE("file sink: a FIFO's reader gets everything, in the middle of a reopen too",
          "[sinks][fifo]") {
  const Fifo fifo;
  FileSink sink(config_for(fifo.path));
  REQUIRE(sink.open());
  const Batch batch = large();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  sink.request_reopen();
  std::string got;
  std::thread thread([&] {
    const int fd = ::open(fifo.path.c_str(), O_RDONLY);
    char buffer[5000];
    while (got.size() < 400'000)
      got.append(buffer, static_cast<std::size_t>(::read(fd, buffer, sizeof buffer)));
    ::close(fd);
  });
  while (sink.write(batch) != WriteStatus::kDelivered) sink.request_reopen();
  thread.join();
  CHECK(got == text_of(batch));
}

TEST_CASE("file sink: the next reader of a FIFO goes on where the last one stopped",
          "[sinks][fifo]") {
  const Fifo fifo;
  FileSink sink(config_for(fifo.path));
  std::string got;
  const Batch batch = large();
  {
    Reader first(fifo);
    REQUIRE(sink.open());
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    got = first.read(12'345);
  }
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "nobody reads FIFO " + fifo.path);
  sink.request_reopen();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  Reader second(fifo);
  sink.request_reopen();
  std::thread thread([&] {
    while (sink.write(batch) != WriteStatus::kDelivered) {
    }
  });
  while (got.size() < 400'000) got += second.read_all();
  thread.join();
  CHECK(got == text_of(batch));
  CHECK(sink.close());
}

TEST_CASE("file sink: a new FIFO at the path gets the records from the torn one on",
          "[sinks][fifo]") {
  Fifo fifo;
  FileSink sink(config_for(fifo.path));
  std::string first_got;
  const Batch batch = large();
  {
    Reader first(fifo);
    REQUIRE(sink.open());
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    first_got = first.read_all();
  }
  CHECK(first_got.size() == kPipeBytes);
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  std::filesystem::remove(fifo.path);
  fifo.make();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "nobody reads FIFO " + fifo.path);
  Reader second(fifo);
  std::string second_got;
  std::thread thread([&] {
    while (sink.write(batch) != WriteStatus::kDelivered) {
    }
  });
  while (second_got.size() < 400'000 - 65'500) second_got += second.read_all();
  thread.join();
  CHECK(first_got + second_got == text_of(batch).insert(kPipeBytes, text_of(batch), 65'500, 36));
}

TEST_CASE("file sink: closing a FIFO that nobody reads tells what is lost in it", "[sinks][fifo]") {
  const Fifo fifo;
  FileSink sink(config_for(fifo.path));
  auto reader = std::make_unique<Reader>(fifo);
  REQUIRE(sink.open());
  CHECK(sink.write(line("x")) == WriteStatus::kDelivered);
  SECTION("its reader has gone") {
    reader.reset();
    const auto closed = sink.close();
    REQUIRE_FALSE(closed);
    CHECK(closed.error().message == "sink \"archive\": close " + fifo.path + ": broken pipe");
  }
  SECTION("its reader has gone after reading it") {
    CHECK(reader->read_all() == "x\n");
    reader.reset();
    CHECK(sink.close());
  }
  SECTION("its reader is there still") {
    CHECK(sink.close());
    CHECK(reader->read_all() == "x\n");
  }
}

TEST_CASE("file sink: a reopen keeps the FIFO unless another one stands there", "[sinks][fifo]") {
  Fifo fifo;
  FaultyFiles files;
  FileSink sink(config_for(fifo.path), files);
  Reader reader(fifo);
  REQUIRE(sink.open());
  const std::size_t opens = files.opens;
  sink.request_reopen();
  sink.tick();
  CHECK(files.opens == opens);
  std::filesystem::remove(fifo.path);
  fifo.make();
  Reader other(fifo);
  sink.request_reopen();
  CHECK(sink.write(line("x")) == WriteStatus::kDelivered);
  CHECK(reader.at_end());
  CHECK(other.read_all() == "x\n");
}

TEST_CASE("file sink: what is no FIFO but has no reader either fails at the start",
          "[sinks][fifo]") {
  const TempDir dir;
  REQUIRE(mknod((dir / "socket").c_str(), S_IFSOCK | 0600, 0) == 0);
  FileSink sink(config_for(dir / "socket"));
  const auto opened = sink.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message ==
        "sink \"archive\": open " + dir / "socket" + ": no such device or address");
}
