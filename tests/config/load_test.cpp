#include "server/config/load.h"

#include <catch2/catch.hpp>

#include "tests/config/load_texts.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::config;
using std::chrono::milliseconds;

TEST_CASE("a file with every key fills every field", "[config]") {
  const auto loaded = load_text(R"(
[server]
threads = 2
memory = "64MiB"
drain_timeout = "5s"
flush_timeout = "1s500ms"
drain_quiet = "250ms"
at_deadline = "reset"
max_connections = 100
log_level = "debug"
log_format = "json"

[[listener]]
name = "a"
listen = ["tcp://:1", "udp://:1", "unix:///a"]
protocol = "raw"
framing = "octet_counted"
split = "newline"
max_frame_bytes = 1000
oversize = "close"
tail = "quarantine"
receive_buffer = "1MB"
gro = true
backlog = 7
max_connections = 50
max_connections_per_peer = 5
idle_timeout = "10m"
first_byte_timeout = "30s"
keepalive = "1m30s"
mode = 0o600
owner = "root"
group = 0
sinks = ["one"]
best_effort_sinks = ["two"]

[[listener]]
name = "b"
listen = "unixgram://@x"
best_effort_sinks = ["three"]

[[sink]]
name = "one"
type = "file"
path = "/d/{listener}"
encoding = "raw"
newlines = "replace"
sync = "interval"
sync_interval = "2s"
timezone = "local"
max_open_files = 9
rotate = { size = "1MiB", every = "1d", keep = 3, compress = "zstd" }
queue = { max_bytes = "1MiB", when_full = "drop_newest" }

[[sink]]
name = "two"
type = "stdout"
[sink.queue]
max_bytes = 131072

[[sink]]
name = "three"
type = "blackhole"
queue.when_full = "block"

[quarantine]
path = "/q"
max_bytes = "1MiB"
)",
                                "name.toml");
  CHECK(loaded.problems.empty());
  const Config& config = loaded.config;
  CHECK(config.file == "name.toml");

  CHECK(config.server == Server{2, 64u << 20, milliseconds(5000), milliseconds(1500),
                                milliseconds(250), AtDeadline::kReset, 100, LogLevel::kDebug,
                                LogFormat::kJson});

  REQUIRE(config.listeners.size() == 2);
  Listener a;
  a.name = "a";
  a.place = {13, 1};
  a.listen = {{"tcp://:1", {15, 11}}, {"udp://:1", {15, 23}}, {"unix:///a", {15, 35}}};
  a.frames.framing = Framing::kOctetCounted;
  a.frames.split = Split::kNewline;
  a.frames.max_frame_bytes = 1000;
  a.frames.oversize = Oversize::kClose;
  a.frames.tail = Tail::kQuarantine;
  a.receive_buffer_bytes = 1'000'000;
  a.gro = true;
  a.backlog = 7;
  a.max_connections = 50;
  a.max_connections_per_peer = 5;
  a.idle_timeout = std::chrono::minutes(10);
  a.first_byte_timeout = std::chrono::seconds(30);
  a.keepalive = std::chrono::seconds(90);
  a.mode = 0600;
  a.owner = "root";
  a.group = "0";
  a.sinks = {"one"};
  a.best_effort_sinks = {"two"};
  CHECK(config.listeners[0] == a);

  Listener b;
  b.name = "b";
  b.place = {36, 1};
  b.listen = {{"unixgram://@x", {38, 10}}};
  b.sinks = {"one", "two"};  // all that are not best effort
  b.best_effort_sinks = {"three"};
  CHECK(config.listeners[1] == b);

  REQUIRE(config.sinks.size() == 3);
  Sink one;
  one.name = "one";
  one.place = {41, 1};
  one.path = "/d/{listener}";
  one.newlines = Newlines::kReplace;
  one.sync = Sync::kInterval;
  one.sync_interval = milliseconds(2000);
  one.timezone = TimeZone::kLocal;
  one.max_open_files = 9;
  one.rotate = {1u << 20, std::chrono::hours(24), 3, Compress::kZstd};
  one.queue = {1u << 20, WhenFull::kDropNewest};
  CHECK(config.sinks[0] == one);
  CHECK(config.sinks[1].type == SinkType::kStdout);
  CHECK(config.sinks[1].queue == Queue{131072, WhenFull::kBlock});
  CHECK(config.sinks[2].type == SinkType::kBlackhole);
  CHECK(config.quarantine == Quarantine{"/q", 1u << 20});
}

TEST_CASE("each word of each choice is its enumerator", "[config]") {
  const auto listener = [](const std::string& line) {
    return test::config_of(test::kListener + line + '\n' + test::kSink).listeners.at(0);
  };
  const auto sink = [](const std::string& line) {
    return test::config_of(test::kListener + "[[sink]]\nname = \"out\"\n" + line + '\n')
        .sinks.at(0);
  };
  const auto server = [](const std::string& line) {
    return test::config_of("[server]\n" + line + '\n').server;
  };
  CHECK(server("at_deadline = \"freeze\"").at_deadline == AtDeadline::kFreeze);
  CHECK(server("log_level = \"info\"").log_level == LogLevel::kInfo);
  CHECK(server("log_level = \"warn\"").log_level == LogLevel::kWarn);
  CHECK(server("log_level = \"error\"").log_level == LogLevel::kError);
  CHECK(server("log_format = \"text\"").log_format == LogFormat::kText);
  CHECK(listener("framing = \"newline\"").frames.framing == Framing::kNewline);
  CHECK(listener("framing = \"nul\"").frames.framing == Framing::kNul);
  CHECK(listener("framing = \"syslog_auto\"").frames.framing == Framing::kSyslogAuto);
  CHECK(listener("split = \"none\"").frames.split == Split::kNone);
  CHECK(listener("oversize = \"truncate\"").frames.oversize == Oversize::kTruncate);
  CHECK(listener("oversize = \"drop\"").frames.oversize == Oversize::kDrop);
  CHECK(listener("tail = \"auto\"").frames.tail == Tail::kAuto);
  CHECK(listener("tail = \"deliver\"").frames.tail == Tail::kDeliver);
  CHECK(listener("tail = \"drop\"").frames.tail == Tail::kDrop);
  CHECK(sink("type = \"file\"").type == SinkType::kFile);
  CHECK(sink("newlines = \"escape\"").newlines == Newlines::kEscape);
  CHECK(sink("newlines = \"keep\"").newlines == Newlines::kKeep);
  CHECK(sink("sync = \"never\"").sync == Sync::kNever);
  CHECK(sink("sync = \"always\"").sync == Sync::kAlways);
  CHECK(sink("timezone = \"utc\"").timezone == TimeZone::kUtc);
}

TEST_CASE("zero switches off where the range says so, as a number and as a text", "[config]") {
  const auto listener =
      test::config_of(test::kListener +
                      "idle_timeout = 0\nfirst_byte_timeout = \"0\"\nkeepalive = \"0s\"\n"
                      "receive_buffer = 0\nbacklog = 0\nmax_connections = 0\n" +
                      test::kSink)
          .listeners.at(0);
  CHECK(test::problems_of("[server]\ndrain_timeout = 0\nflush_timeout = \"0s\"\ndrain_quiet = "
                          "\"0\"\nthreads = 0\n" +
                          test::kGood + "[quarantine]\nmax_bytes = 0\n")
            .empty());
  CHECK(listener.idle_timeout == milliseconds(0));
  CHECK(listener.first_byte_timeout == milliseconds(0));
  CHECK_FALSE(listener.keepalive);
  CHECK(listener.receive_buffer_bytes == 0);
}

TEST_CASE("the ends of every range are inside of it", "[config]") {
  CHECK(
      test::problems_of("[server]\nthreads = 256\nmemory = \"1TiB\"\nmax_connections = 10000000\n" +
                        test::kListener +
                        "max_frame_bytes = 1\nbacklog = 65535\nreceive_buffer = "
                        "\"1GiB\"\nidle_timeout = \"720h\"\n"
                        "first_byte_timeout = \"100ms\"\nkeepalive = \"9h\"\n" +
                        test::kFileSink + "max_open_files = 65536\nqueue.max_bytes = 65536\n" +
                        "[quarantine]\nmax_bytes = \"1TiB\"\n")
          .empty());
  CHECK(test::config_of(test::kListener + "max_frame_bytes = \"16MiB\"\n" + test::kSink)
            .listeners[0]
            .frames.max_frame_bytes == 16u << 20);
}

TEST_CASE("load_file names the file in the config", "[config]") {
  const test::TempDir dir;
  test::write_file(dir / "a.toml", test::kGood);
  const auto loaded = load_file(dir / "a.toml");
  CHECK(loaded.problems.empty());
  CHECK(loaded.config.file == dir / "a.toml");
  CHECK(loaded.config.listeners.size() == 1);
}

TEST_CASE("a file that cannot be read is one problem with the reason", "[config]") {
  const test::TempDir dir;
  const auto problem = [](const std::string& path) {
    const auto loaded = load_file(path);
    CHECK(loaded.config.file == path);
    REQUIRE(loaded.problems.size() == 1);
    return to_string("F", loaded.problems[0]);
  };
  CHECK(problem(dir / "missing.toml") ==
        "F: cannot read the config file: no such file or directory");
  CHECK(problem(dir.path()) == "F: cannot read the config file: is a directory");
  CHECK(problem("") == "F: cannot read the config file: no such file or directory");
  CHECK(problem("/dev/zero") == "F: cannot read the config file: longer than 4MiB");
}
