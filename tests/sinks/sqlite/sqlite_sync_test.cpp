#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "server/sinks/sqlite/sqlite_sink.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/sqlite/sqlite_tables.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using test::SqliteReader;
using test::TempDir;

namespace {

const Origin kOrigin{"in", "tcp://127.0.0.1:5514"};

std::atomic<int> log_syncs{0};
std::atomic<bool> log_fails{false};

Batch batch_of(const std::string& record) {
  return test::BatchBuilder().opaque(kOrigin, {}, 7, {record}).take();
}

config::Sink synced_at_each_tick(const std::string& path) {
  config::Sink config = test::sqlite_config(path, {}, config::Sync::kInterval);
  config.sync_interval = std::chrono::milliseconds(0);
  return config;
}

/// How often a write-ahead log is synced meanwhile.
template <class Action>
int syncs_of(Action&& action) {
  log_syncs = 0;
  action();
  return log_syncs;
}

}  // namespace

/// SQLite's calls come here, as the program's own symbols go before those of libraries.
extern "C" int fdatasync(int fd) {
  std::error_code gone;
  const auto path =
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), gone).string();
  if (path.ends_with("-wal")) {
    ++log_syncs;
    if (log_fails) {
      errno = EIO;
      return -1;
    }
  }
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

TEST_CASE("sqlite sink: sync = \"interval\" syncs what a reader keeps from the database",
          "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(synced_at_each_tick(folder / "logs.db"));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of("one")) == WriteStatus::kDelivered);
  CHECK(syncs_of([&] { sink.tick(); }) == 1);
  SqliteReader reader(folder / "logs.db");
  REQUIRE(reader.run("BEGIN") == SQLITE_OK);
  REQUIRE(reader.number("SELECT count(*) FROM \"in\"") == 1);
  for (const char* record : {"two", "three"}) {
    REQUIRE(sink.write(batch_of(record)) == WriteStatus::kDelivered);
    CHECK(syncs_of([&] { sink.tick(); }) == 1);
    CHECK(syncs_of([&] { sink.tick(); }) == 0);
  }
  REQUIRE(sink.write(batch_of("four")) == WriteStatus::kDelivered);
  log_fails = true;
  CHECK(syncs_of([&] { sink.tick(); }) == 1);
  CHECK(syncs_of([&] { sink.tick(); }) == 1);
  log_fails = false;
  CHECK(syncs_of([&] { sink.tick(); }) == 1);
  CHECK(syncs_of([&] { sink.tick(); }) == 0);
  REQUIRE(sink.write(batch_of("five")) == WriteStatus::kDelivered);
  CHECK(syncs_of([&] { REQUIRE(sink.close()); }) == 1);
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 1);
}
