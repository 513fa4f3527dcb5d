#include "server/sinks/sqlite/sqlite_sink.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <filesystem>
#include <limits>
#include <thread>

#include "server/sinks/encoder.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"
#include "tests/sinks/sqlite/sqlite_tables.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace std::string_literals;
using namespace std::string_view_literals;
using test::BatchBuilder;
using test::EventBatch;
using test::sqlite_config;
using test::SqliteReader;
using test::TempDir;
using Rows = std::vector<std::string>;

namespace {

const Origin kOrigin{"in", "tcp://127.0.0.1:5514"};
const Origin kOther{"other-one", "udp://127.0.0.1:5514"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;

Batch batch_of(const std::vector<std::string>& records, const Origin& origin = kOrigin,
               std::int64_t time_ns = kTime) {
  return BatchBuilder(std::size_t{1} << 22).opaque(origin, kPeer, time_ns, records).take();
}

EventBatch events() { return EventBatch(kOrigin, kPeer, kTime); }

void log_record(FieldWriter& fields) {
  fields.time(Field::kTimestamp, 1'500'000'000'000'000'001);
  fields.string(Field::kHost, "web1");
  fields.string(Field::kApp, "nginx");
  fields.string(Field::kProcid, "0042");
  fields.unsigned_integer(Field::kFacility, 4);
  fields.unsigned_integer(Field::kSeverity, 6);
  const auto data = fields.begin_map(Field::kStructuredData);
  const auto id = fields.begin_map("origin@1"sv);
  fields.string("ip"sv, "192.0.2.9");
  fields.end(id);
  fields.end(data);
  fields.string(Field::kMessage, "GET / 200");
}

void point(FieldWriter& fields) {
  fields.string(Field::kName, "cpu");
  fields.string(Field::kKind, "gauge");
  fields.real(Field::kValue, 0.5);
  const auto tags = fields.begin_map(Field::kTags);
  fields.string("host"sv, "w\"1");
  fields.end(tags);
}

}  // namespace

TEST_CASE("sqlite sink: records as they are, a table a listener", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "a/b/logs.db"));
  REQUIRE(sink.open());
  const Batch batch = BatchBuilder()
                          .lines(kOrigin, kPeer, kTime, {"one", "zwei €"})
                          .opaque(kOther, {}, 7, {"\xff\x00 bytes"s, ""})
                          .take();
  REQUIRE(sink.write(batch) == WriteStatus::kDelivered);
  SqliteReader reader(folder / "a/b/logs.db");
  CHECK(test::mode_of(folder / "a/b/logs.db") == 0640);
  CHECK(test::mode_of(folder / "a/b/logs.db-wal") == 0640);
  CHECK(reader.rows("time listener url peer peer_port flags message", "\"in\"") ==
        Rows{"1795572918123456789|'in'|'tcp://127.0.0.1:5514'|'192.0.2.1'|40000|''|'one'",
             "1795572918123456789|'in'|'tcp://127.0.0.1:5514'|'192.0.2.1'|40000|''|'zwei €'"});
  CHECK(reader.rows("time peer peer_port message", "\"other-one\"") ==
        Rows{"7|NULL|NULL|X'FF00206279746573'", "7|NULL|NULL|''"});
  CHECK(reader.columns("in") == Rows{"time INTEGER", "listener TEXT", "url TEXT", "peer TEXT",
                                     "peer_port INTEGER", "flags TEXT", "message TEXT"});
}

TEST_CASE("sqlite sink: fields of a log record are typed columns", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  REQUIRE(sink.open());
  EventBatch batch = events();
  batch.event(EventShape::kLog, log_record, "frame", kFrameTruncated);
  REQUIRE(sink.write(batch.batch()) == WriteStatus::kDelivered);
  SqliteReader reader(folder / "logs.db");
  CHECK(reader.rows("timestamp host app procid msgid facility severity structured_data tag message "
                    "fields flags",
                    "\"in\"") ==
        Rows{"1500000000000000001|'web1'|'nginx'|'0042'|NULL|4|6|'{\"origin@1\":{\"ip\":\"192.0.2."
             "9\"}}'|NULL|'GET / 200'|NULL|'truncated'"});
}

TEST_CASE("sqlite sink: values of metric points keep their type and every digit",
          "[sinks][sqlite]") {
  using Write = std::function<void(FieldWriter&)>;
  const auto [write, value] = GENERATE(table<Write, std::string>({
      {[](FieldWriter& f) { f.real(Field::kValue, 0.5); }, "0.5"},
      {[](FieldWriter& f) { f.integer(Field::kValue, -4); }, "-4"},
      {[](FieldWriter& f) { f.unsigned_integer(Field::kValue, UINT64_MAX); },
       "'18446744073709551615'"},
      {[](FieldWriter& f) { f.unsigned_integer(Field::kValue, INT64_MAX); }, "9223372036854775807"},
      {[](FieldWriter& f) { f.real(Field::kValue, std::nan("")); }, "'NaN'"},
      {[](FieldWriter& f) { f.real(Field::kValue, std::numeric_limits<double>::infinity()); },
       "Inf"},
      {[](FieldWriter& f) { f.number(Field::kValue, "1234567890123456789012345"); },
       "'1234567890123456789012345'"},
      {[](FieldWriter& f) { f.boolean(Field::kValue, true); }, "1"},
      {[](FieldWriter& f) { f.null(Field::kValue); }, "NULL"},
      {[](FieldWriter& f) { f.string(Field::kValue, "bob"); }, "'bob'"},
      {[](FieldWriter& f) { f.string(Field::kValue, "a\0b"sv); }, "X'610062'"},
      {[](FieldWriter& f) {
         const auto values = f.begin_array(Field::kValue);
         f.integer(Field::kNone, 1);
         f.real(Field::kNone, 2.5);
         f.end(values);
       },
       "'[1,2.5]'"},
  }));
  CAPTURE(value);
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "points.db"));
  REQUIRE(sink.open());
  REQUIRE(sink.write(events()
                         .event(EventShape::kMetric,
                                [write = write](FieldWriter& fields) {
                                  fields.string(Field::kName, "n");
                                  write(fields);
                                })
                         .batch()) == WriteStatus::kDelivered);
  SqliteReader reader(folder / "points.db");
  CHECK(reader.rows("name value", "\"in\"") == Rows{"'n'|" + value});
}

TEST_CASE("sqlite sink: JSON that had to be mended comes with the record's bytes",
          "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  REQUIRE(sink.open());
  EventBatch batch = events();
  batch.event(
      EventShape::kLog,
      [](FieldWriter& fields) {
        fields.string("own"sv, "1");
        const auto map = fields.begin_map(Field::kFields);
        fields.string("bad"sv, "\xff");
        fields.end(map);
        fields.string("second own"sv, "2");
      },
      "as\xffis");
  REQUIRE(sink.write(batch.batch()) == WriteStatus::kDelivered);
  SqliteReader reader(folder / "logs.db");
  CHECK(reader.rows("fields rest raw", "\"in\"") ==
        Rows{"'{\"bad\":\"\xef\xbf\xbd\"}'|'{\"own\":\"1\",\"second own\":\"2\"}'|X'6173FF6973'"});
}

TEST_CASE("sqlite sink: a table gets the columns that it lacks, and keeps those of others",
          "[sinks][sqlite]") {
  const TempDir folder;
  const std::string path = folder / "logs.db";
  {
    SqliteReader owner(path);
    REQUIRE(owner.run("CREATE TABLE \"in\" (mine TEXT DEFAULT 'x', \"TIME\" INTEGER, message)") ==
            SQLITE_OK);
    REQUIRE(owner.run("INSERT INTO \"in\" (\"TIME\", message) VALUES (1, 'before')") == SQLITE_OK);
  }
  SqliteSink sink(sqlite_config(path));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"raw"})) == WriteStatus::kDelivered);
  REQUIRE(sink.write(events().event(EventShape::kMetric, point).batch()) ==
          WriteStatus::kDelivered);
  REQUIRE(sink.write(batch_of({"raw again"})) == WriteStatus::kDelivered);
  SqliteReader reader(path);
  CHECK(reader.rows("mine time message name value tags", "\"in\"") ==
        Rows{"'x'|1|'before'|NULL|NULL|NULL", "'x'|1795572918123456789|'raw'|NULL|NULL|NULL",
             "'x'|1795572918123456789|NULL|'cpu'|0.5|'{\"host\":\"w\\\"1\"}'",
             "'x'|1795572918123456789|'raw again'|NULL|NULL|NULL"});
}

TEST_CASE("sqlite sink: a lock of another program is waited for, and no record comes twice",
          "[sinks][sqlite]") {
  const TempDir folder;
  const std::string path = folder / "logs.db";
  SqliteSink sink(sqlite_config(path));
  REQUIRE(sink.open());
  SqliteReader other(path);
  REQUIRE(other.run("BEGIN IMMEDIATE") == SQLITE_OK);
  const Batch batch = batch_of({"one", "two"});
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write to database " + path + ": another program has locked it");
  sink.tick();  // does not wait for it, and does no harm
  sink.request_interrupt();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  REQUIRE(sink.abandon(batch).size() == 1);
  REQUIRE(other.run("COMMIT") == SQLITE_OK);
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(other.rows("message", "\"in\"") == Rows{"'one'", "'two'"});
}

TEST_CASE("sqlite sink: an interrupt ends a batch, all or nothing", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  REQUIRE(sink.open());
  const Batch batch = batch_of(std::vector<std::string>(1000, "r"));
  sink.request_interrupt();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write to database " + folder / "logs.db" + ": interrupted");
  const auto left = sink.abandon(batch);
  REQUIRE(left.size() == 1);
  CHECK((left[0].first == 0 && left[0].count == 1000));
  SqliteReader reader(folder / "logs.db");
  CHECK(reader.number("SELECT count(*) FROM sqlite_schema") == 0);
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 1000);
}

TEST_CASE("sqlite sink: a reader sees what there was and blocks nobody", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"one"})) == WriteStatus::kDelivered);
  SqliteReader reader(folder / "logs.db");
  REQUIRE(reader.run("BEGIN") == SQLITE_OK);
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 1);
  CHECK(sink.write(batch_of({"two"})) == WriteStatus::kDelivered);
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 1);
  REQUIRE(reader.run("COMMIT") == SQLITE_OK);
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 2);
}

TEST_CASE("sqlite sink: a file that may not grow takes nothing of a batch, and later all of it",
          "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db", {}, config::Sync::kAlways));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"first"})) == WriteStatus::kDelivered);
  const Batch large = batch_of(std::vector<std::string>(300, std::string(4000, 'x')));
  {
    const test::FileSizeLimit limit(200'000);
    CHECK(sink.write(large) == WriteStatus::kRetry);
    CHECK(sink.write(large) == WriteStatus::kRetry);
    CHECK(sink.last_error().starts_with("write to database " + folder / "logs.db" + ": "));
  }
  SqliteReader reader(folder / "logs.db");
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 1);
  CHECK(sink.write(large) == WriteStatus::kDelivered);
  CHECK(reader.number("SELECT count(*) FROM \"in\"") == 301);
  CHECK(reader.rows("integrity_check", "pragma_integrity_check") == Rows{"'ok'"});
}

TEST_CASE("sqlite sink: a table that goes away comes again", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"one"})) == WriteStatus::kDelivered);
  SqliteReader other(folder / "logs.db");
  REQUIRE(other.run("DROP TABLE \"in\"") == SQLITE_OK);
  const Batch batch = batch_of({"two"});
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.last_error() == "write to database " + folder / "logs.db" + ": no such table: in");
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(other.rows("message", "\"in\"") == Rows{"'two'"});
}

TEST_CASE("sqlite sink: a file that was moved away is left, and a new one made",
          "[sinks][sqlite]") {
  const TempDir folder;
  const std::string path = folder / "logs.db";
  SqliteSink sink(sqlite_config(path));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"one"})) == WriteStatus::kDelivered);
  std::filesystem::rename(path, folder / "old.db");
  std::filesystem::rename(path + "-wal", folder / "old.db-wal");
  std::filesystem::remove(path + "-shm");
  REQUIRE(sink.write(batch_of({"two"})) == WriteStatus::kDelivered);
  CHECK(SqliteReader(path).rows("message", "\"in\"") == Rows{"'two'"});
  CHECK(SqliteReader(folder / "old.db").rows("message", "\"in\"") == Rows{"'one'"});
}

TEST_CASE("sqlite sink: it opens the file again when it is asked to", "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"one"})) == WriteStatus::kDelivered);
  sink.request_reopen();
  REQUIRE(sink.write(batch_of({"two"})) == WriteStatus::kDelivered);
  CHECK(SqliteReader(folder / "logs.db").rows("message", "\"in\"") == Rows{"'one'", "'two'"});
}

TEST_CASE("sqlite sink: what is no database is refused at the start, and stays as it is",
          "[sinks][sqlite]") {
  const TempDir folder;
  test::write_file(folder / "logs.db", std::string(5000, 'n'));
  SqliteSink sink(sqlite_config(folder / "logs.db"));
  const auto opened = sink.open();
  REQUIRE(!opened);
  CHECK(opened.error().message ==
        "sink \"db\": open database " + folder / "logs.db" + ": file is not a database");
  sink.undo_open();
  CHECK(test::read_file(folder / "logs.db") == std::string(5000, 'n'));
}

TEST_CASE(
    "sqlite sink: a start that fails later leaves nothing behind, and nothing of others harmed",
    "[sinks][sqlite]") {
  const TempDir folder;
  SqliteSink sink(sqlite_config(folder / "new/logs.db"));
  REQUIRE(sink.open());
  CHECK(test::exists(folder / "new/logs.db"));
  sink.undo_open();
  CHECK(folder.list().empty());
  REQUIRE(SqliteReader(folder / "old.db").run("CREATE TABLE t (x)") == SQLITE_OK);
  SqliteSink again(sqlite_config(folder / "old.db"));
  REQUIRE(again.open());
  again.undo_open();
  CHECK(SqliteReader(folder / "old.db").number("SELECT count(*) FROM t") == 0);
}

TEST_CASE("sqlite sink: sync = \"interval\" brings what is written into the database",
          "[sinks][sqlite]") {
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kInterval, config::Sync::kAlways);
  const TempDir folder;
  config::Sink config = sqlite_config(folder / "logs.db", {}, sync);
  config.sync_interval = std::chrono::milliseconds(0);
  SqliteSink sink(config);
  REQUIRE(sink.open());
  REQUIRE(sink.write(batch_of({"one"})) == WriteStatus::kDelivered);
  const auto before = test::status_of(folder / "logs.db").st_size;
  sink.tick();  // interval: a checkpoint, which writes to the database itself
  CHECK((test::status_of(folder / "logs.db").st_size > before) ==
        (sync == config::Sync::kInterval));
  REQUIRE(sink.close());
  CHECK(SqliteReader(folder / "logs.db").rows("message", "\"in\"") == Rows{"'one'"});
}
