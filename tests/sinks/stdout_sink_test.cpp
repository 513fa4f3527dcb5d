#include "server/sinks/stdout_sink.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "server/log/standard_descriptors.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/interrupts.h"
#include "tests/sinks/json_lines.h"
#include "tests/support/child.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

const Origin kOrigin{"one", "tcp://127.0.0.1:1"};
const config::Sink kConfig{.name = "out", .type = config::SinkType::kStdout};

struct Pair {
  explicit Pair(bool socket) {
    if ((socket ? socketpair(AF_UNIX, SOCK_STREAM, 0, fds) : pipe(fds)) != 0) std::abort();
  }
  ~Pair() {
    ::close(fds[0]);
    if (fds[1] >= 0) ::close(fds[1]);
  }
  int fds[2];  // read, write
};

Batch large() {
  const std::vector<std::string> lines(8000, std::string(99, 's'));
  return BatchBuilder(std::size_t{1} << 20)
      .lines(kOrigin, {}, 0, lines)
      .opaque(kOrigin, {}, 0, {"e\nnd"})
      .take();
}

std::string read_exactly(int fd, std::size_t size) {
  std::string got;
  char buffer[5000];
  while (got.size() < size) {
    const ssize_t n = ::read(fd, buffer, std::min(sizeof buffer, size - got.size()));
    if (n <= 0) break;
    got.append(buffer, static_cast<std::size_t>(n));
  }
  return got;
}

}  // namespace

TEST_CASE(
    "stdout sink: a pipe or socket is never made non-blocking for others, and everything arrives",
    "[sinks][stdout]") {
  const bool socket = GENERATE(false, true);
  CAPTURE(socket);
  Pair pair(socket);
  StdoutSink sink(kConfig, pair.fds[1]);
  REQUIRE(sink.open());
  CHECK((fcntl(pair.fds[1], F_GETFL) & O_NONBLOCK) == 0);
  const Batch batch = large();
  std::string got;
  std::thread reader([&] { got = read_exactly(pair.fds[0], 800'000 + 6); });
  while (sink.write(batch) != WriteStatus::kDelivered) {
  }
  reader.join();
  CHECK(got.substr(0, 800'000) == std::string(batch.block->data(), 800'000));
  CHECK(got.substr(800'000) == "e\\nnd\n");
  CHECK((fcntl(pair.fds[1], F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("stdout sink: JSON arrives whole through a pipe that is read slowly",
          "[sinks][stdout][json]") {
  Pair pair(false);
  StdoutSink sink(
      {.name = "out", .type = config::SinkType::kStdout, .encoding = config::Encoding::kJson},
      pair.fds[1]);
  REQUIRE(sink.open());
  const std::string line = json_line(kOrigin, inet_peer(10, 0, 0, 1), std::string(99, 's'));
  const std::vector<std::string> records(8000, std::string(99, 's'));
  const Batch batch =
      BatchBuilder(std::size_t{1} << 20).lines(kOrigin, inet_peer(10, 0, 0, 1), 0, records).take();
  std::string got;
  std::thread reader([&] { got = read_exactly(pair.fds[0], records.size() * line.size()); });
  while (sink.write(batch) != WriteStatus::kDelivered) {
  }
  reader.join();
  std::string expected;
  for (std::size_t at = 0; at < records.size(); ++at) expected += line;
  CHECK(got == expected);
}

TEST_CASE("stdout sink: nobody reads: retry, interrupt, give up, and the next record starts a line",
          "[sinks][stdout]") {
  const bool socket = GENERATE(false, true);
  CAPTURE(socket);
  Pair pair(socket);
  StdoutSink sink(kConfig, pair.fds[1]);
  REQUIRE(sink.open());
  const Batch batch = large();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write standard output: full, nobody reads it");
  check_interrupt_ends_write(sink, batch);
  const auto left = sink.abandon(batch);
  REQUIRE(left.size() == 1);
  CHECK(left[0].first + left[0].count == 8001);

  REQUIRE(fcntl(pair.fds[0], F_SETFL, O_NONBLOCK) == 0);
  const std::string before = read_exactly(pair.fds[0], SIZE_MAX);
  CHECK(left[0].first == before.size() / 100);
  CHECK(sink.write(BatchBuilder().lines(kOrigin, {}, 0, {"next"}).take()) ==
        WriteStatus::kDelivered);
  CHECK(read_exactly(pair.fds[0], SIZE_MAX) == (before.size() % 100 == 0 ? "next\n" : "\nnext\n"));
}

TEST_CASE(
    "stdout sink: a reader that has gone is a retry, so that nothing more is read from the senders",
    "[sinks][stdout]") {
  const auto handler = std::signal(SIGPIPE, SIG_IGN);
  Pair pair(false);
  StdoutSink sink(kConfig, pair.fds[1]);
  REQUIRE(sink.open());
  ::close(std::exchange(pair.fds[0], ::open("/dev/null", O_RDONLY)));
  const Batch batch = BatchBuilder().lines(kOrigin, {}, 0, {"x"}).take();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write standard output: broken pipe");
  CHECK(sink.abandon(batch).size() == 1);
  std::signal(SIGPIPE, handler);
}

TEST_CASE("stdout sink: a file is written at its own offset", "[sinks][stdout]") {
  const TempDir dir;
  const int fd = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(::write(fd, "before\n", 7) == 7);
  StdoutSink sink(kConfig, fd);
  REQUIRE(sink.open());
  CHECK(sink.write(BatchBuilder().lines(kOrigin, {}, 0, {"x"}).take()) == WriteStatus::kDelivered);
  CHECK(sink.close());
  ::close(fd);
  CHECK(read_file(dir / "out") == "before\nx\n");
}

TEST_CASE("stdout sink: a closed descriptor is an error at open", "[sinks][stdout]") {
  StdoutSink sink(kConfig, 987);
  const auto opened = sink.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message == "sink \"out\": standard output: bad file descriptor");
}

TEST_CASE("stdout sink: a descriptor that was closed at the start of the process is an error",
          "[sinks][stdout]") {
  CHECK(in_child([] {
          ::close(STDOUT_FILENO);
          if (!log::fill_standard_descriptors()) return std::string("not filled");
          const auto opened = StdoutSink(kConfig).open();
          return opened ? std::string("opened") : opened.error().message;
        }) == "sink \"out\": stdout is closed (or open for reading only)");
}
