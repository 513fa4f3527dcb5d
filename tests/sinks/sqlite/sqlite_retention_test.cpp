#include <catch2/catch.hpp>

#include "server/files/file_ops.h"
#include "server/sinks/sqlite/sqlite_sink.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/sqlite/sqlite_tables.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using test::BatchBuilder;
using test::sqlite_config;
using test::SqliteReader;
using test::TempDir;
using Rows = std::vector<std::string>;

namespace {

const Origin kFirst{"first", "tcp://127.0.0.1:1"};
const Origin kSecond{"second", "tcp://127.0.0.1:2"};
constexpr std::int64_t kHourNs = 3'600'000'000'000;

void put(SqliteSink& sink, const Origin& origin, std::int64_t time_ns,
         const std::vector<std::string>& records) {
  const Batch batch =
      BatchBuilder(std::size_t{1} << 22).opaque(origin, {}, time_ns, records).take();
  REQUIRE(sink.write(batch) == WriteStatus::kDelivered);
}

/// Ticks until one changes nothing more: a tick removes a little.
void tick_until_done(SqliteSink& sink, SqliteReader& reader) {
  for (std::int64_t before = -1, now = 0; before != now;) {
    before = now;
    sink.tick();
    now = reader.number("SELECT (SELECT count(*) FROM first) + (SELECT count(*) FROM second)");
  }
}

}  // namespace

TEST_CASE("sqlite retention: rows that are too old go, those of earlier runs too",
          "[sinks][sqlite]") {
  const TempDir folder;
  const config::Sink config = sqlite_config(folder / "r.db", {.retention = std::chrono::hours(2)});
  const std::int64_t now = system_files().now_ns();
  {
    SqliteSink sink(config);
    REQUIRE(sink.open());
    put(sink, kFirst, now + kHourNs, {"future"});  // a clock that was wrong keeps nothing else
    put(sink, kFirst, now - 3 * kHourNs, std::vector<std::string>(1800, "old"));
    put(sink, kFirst, now - kHourNs, {"young"});
    put(sink, kSecond, 1, {"ancient"});
    put(sink, kSecond, now, {"new"});
    REQUIRE(sink.close());
  }
  SqliteSink sink(config);
  REQUIRE(sink.open());
  SqliteReader reader(folder / "r.db");
  REQUIRE(reader.run("CREATE TABLE mine (\"time\"); INSERT INTO mine VALUES (1)") == SQLITE_OK);
  tick_until_done(sink, reader);
  CHECK(reader.rows("message", "first ORDER BY time") == Rows{"'young'", "'future'"});
  CHECK(reader.rows("message", "second") == Rows{"'new'"});
  CHECK(reader.number("SELECT count(*) FROM mine") == 1);
}

TEST_CASE("sqlite retention: of each table the last rows stay", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "r.db", {.max_rows = 3}));
  REQUIRE(sink.open());
  put(sink, kFirst, 5, std::vector<std::string>(2000, "x"));
  put(sink, kFirst, 1, {"a", "b", "c"});
  put(sink, kSecond, 5, {"d", "e", "f"});
  SqliteReader reader(folder / "r.db");
  tick_until_done(sink, reader);
  CHECK(reader.rows("message", "first") == Rows{"'a'", "'b'", "'c'"});
  CHECK(reader.rows("message", "second") == Rows{"'d'", "'e'", "'f'"});
  put(sink, kSecond, 5, {"g"});
  tick_until_done(sink, reader);
  CHECK(reader.rows("message", "second") == Rows{"'e'", "'f'", "'g'"});
}

TEST_CASE("sqlite retention: over its size the oldest rows of all tables go, and the file shrinks",
          "[sinks][sqlite]") {
  const TempDir folder;
  const std::size_t limit = std::size_t{1} << 20;
  SqliteSink sink(sqlite_config(folder / "r.db", {.max_size_bytes = limit}));
  REQUIRE(sink.open());
  const std::string record(1000, 'x');
  for (std::int64_t at = 0; at < 40; ++at) {
    put(sink, kFirst, 2 * at, std::vector<std::string>(100, record));
    put(sink, kSecond, 2 * at + 1, std::vector<std::string>(100, record));
  }
  SqliteReader reader(folder / "r.db");
  const auto used = [&] {
    return (reader.number("PRAGMA page_count") - reader.number("PRAGMA freelist_count")) *
           reader.number("PRAGMA page_size");
  };
  const std::int64_t pages = reader.number("PRAGMA page_count");
  REQUIRE(used() > 6'000'000);
  for (int ticks = 0; used() > static_cast<std::int64_t>(limit) && ticks < 10'000; ++ticks)
    sink.tick();
  CHECK(used() <= static_cast<std::int64_t>(limit));
  CHECK(used() > 300'000);
  const std::int64_t oldest_first = reader.number("SELECT min(time) FROM first");
  const std::int64_t oldest_second = reader.number("SELECT min(time) FROM second");
  CHECK(std::abs(oldest_first - oldest_second) < 20);
  CHECK(reader.number("SELECT max(time) FROM second") == 79);
  for (int ticks = 0; ticks < 30; ++ticks) sink.tick();
  CHECK(reader.number("PRAGMA page_count") < pages / 2);
  CHECK(reader.rows("integrity_check", "pragma_integrity_check") == Rows{"'ok'"});
}
