#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

// A wrong value in one key: what was expected, what was found, and where.

TEST_CASE("[server]: each wrong value is told with its place, its range and what was found",
          "[config]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"threads = 257", "11: server: threads: expected 0 (one a core) or 1 to 256, got 257"},
      {"threads = -1", "11: server: threads: expected 0 (one a core) or 1 to 256, got -1"},
      {"threads = 1.5", "11: server: threads: expected 0 (one a core) or 1 to 256, got 1.5"},
      {"threads = \"4\"", "11: server: threads: expected 0 (one a core) or 1 to 256, got \"4\""},
      {"threads = 1e1", "11: server: threads: expected 0 (one a core) or 1 to 256, got 10.0"},
      {"threads = true", "11: server: threads: expected 0 (one a core) or 1 to 256, got true"},
      {"threads = []", "11: server: threads: expected 0 (one a core) or 1 to 256, got a list"},
      {"threads = {}", "11: server: threads: expected 0 (one a core) or 1 to 256, got a table"},
      {"threads = 2026-01-01",
       "11: server: threads: expected 0 (one a core) or 1 to 256, got a date or time"},
      {"threads = 9223372036854775807",
       "11: server: threads: expected 0 (one a core) or 1 to 256, got 9223372036854775807"},
      {"memory = \"15MiB\"",
       "10: server: memory: expected a size from \"16MiB\" to \"1TiB\", such as \"256MiB\", got "
       "\"15MiB\""},
      {"memory = \"2TiB\"",
       "10: server: memory: expected a size from \"16MiB\" to \"1TiB\", such as \"256MiB\", got "
       "\"2TiB\""},
      {"memory = 0",
       "10: server: memory: expected a size from \"16MiB\" to \"1TiB\", such as \"256MiB\", got 0"},
      {"memory = 268435456",
       "10: server: memory: expected a size from \"16MiB\" to \"1TiB\", such as \"256MiB\", got "
       "268435456 without a unit"},
      {"memory = \"99999999999TiB\"",
       "10: server: memory: expected a size from \"16MiB\" to \"1TiB\", such as \"256MiB\", got "
       "\"99999999999TiB\""},
      {"drain_timeout = \"6\"",
       "17: server: drain_timeout: expected \"0s\" (read what has arrived and go) or a duration "
       "from \"10ms\" to \"1h\", "
       "such as \"6s\", got \"6\""},
      {"drain_timeout = 6",
       "17: server: drain_timeout: expected \"0s\" (read what has arrived and go) or a duration "
       "from \"10ms\" to \"1h\", "
       "such as \"6s\", got 6 without a unit"},
      {"drain_timeout = \"9ms\"",
       "17: server: drain_timeout: expected \"0s\" (read what has arrived and go) or a duration "
       "from \"10ms\" to \"1h\", "
       "such as \"6s\", got \"9ms\""},
      {"flush_timeout = \"61m\"",
       "17: server: flush_timeout: expected \"0s\" (no wait) or a duration from \"10ms\" to "
       "\"1h\", such as \"2s\", got "
       "\"61m\""},
      {"drain_quiet = \"-1s\"",
       "15: server: drain_quiet: expected \"0s\" (no silence needed) or a duration from \"10ms\" "
       "to \"1h\", such as "
       "\"1s\", got \"-1s\""},
      {"at_deadline = \"\"",
       "15: server: at_deadline: expected \"freeze\" or \"reset\", got an empty string"},
      {"at_deadline = \"reste\"",
       "15: server: at_deadline: expected \"freeze\" or \"reset\", got \"reste\", did you mean "
       "\"reset\"?"},
      {"at_deadline = \"Reset\"",
       "15: server: at_deadline: expected \"freeze\" or \"reset\", got \"Reset\", did you mean "
       "\"reset\"?"},
      {"at_deadline = 1", "15: server: at_deadline: expected \"freeze\" or \"reset\", got 1"},
      {"max_connections = 10000001",
       "19: server: max_connections: expected 0 (the descriptor limit less a reserve) or 1 to "
       "10000000, got 10000001"},
      {"log_level = \"trace\"",
       "13: server: log_level: expected \"debug\", \"info\", \"warn\" or \"error\", got \"trace\""},
      {"log_format = \"xml\"",
       "14: server: log_format: expected \"text\" or \"json\", got \"xml\""},
  }));
  CAPTURE(line);
  CHECK(problems_of(test::kGood + "[server]\n" + line + '\n') == Lines{"t.toml:8:" + problem});
}

TEST_CASE("[[listener]]: each wrong value is told with its place, its range and what was found",
          "[config]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"protocol = \"snmp\"", "12: PROTOCOL"},
      {"framing = \"xml\"", "11: FRAMING\"xml\""},
      {"framing = \"newlines\"", "11: FRAMING\"newlines\", did you mean \"newline\"?"},
      {"framing = [\"newline\"]", "11: FRAMINGa list"},
      {"oversize = \"cut\"",
       "12: listener \"in\": oversize: expected \"truncate\", \"drop\" or \"close\", got \"cut\""},
      {"tail = true",
       "8: listener \"in\": tail: expected \"auto\", \"deliver\", \"quarantine\" or \"drop\", got "
       "true"},
      {"max_frame_bytes = 0",
       "19: listener \"in\": max_frame_bytes: expected 1 to 16777216 (or a size such as "
       "\"64KiB\"), got 0"},
      {"max_frame_bytes = 16777217",
       "19: listener \"in\": max_frame_bytes: expected 1 to 16777216 (or a size such as "
       "\"64KiB\"), got 16777217"},
      {"max_frame_bytes = \"17MiB\"",
       "19: listener \"in\": max_frame_bytes: expected 1 to 16777216 (or a size such as "
       "\"64KiB\"), got \"17MiB\""},
      {"max_frame_bytes = \"4096\"",
       "19: listener \"in\": max_frame_bytes: expected 1 to 16777216 (or a size such as "
       "\"64KiB\"), got \"4096\""},
      {"receive_buffer = \"2GiB\"",
       "18: listener \"in\": receive_buffer: expected \"0\" (the system's default) or a size from "
       "\"4KiB\" to \"1GiB\", "
       "such as \"4MiB\", got \"2GiB\""},
      {"backlog = 65536",
       "11: listener \"in\": backlog: expected 0 (net.core.somaxconn) or 1 to 65535, got 65536"},
      {"max_connections = -5",
       "19: listener \"in\": max_connections: expected 0 (only the server's limit) or 1 to "
       "10000000, got -5"},
      {"max_connections_per_peer = \"x\"",
       "28: listener \"in\": max_connections_per_peer: expected 0 (no limit) or 1 to 10000000, got "
       "\"x\""},
      {"idle_timeout = \"721h\"",
       "16: listener \"in\": idle_timeout: expected \"0s\" (off) or a duration from \"100ms\" to "
       "\"30d\", such as "
       "\"10m\", got \"721h\""},
      {"first_byte_timeout = \"99ms\"",
       "22: listener \"in\": first_byte_timeout: expected \"0s\" (off) or a duration from "
       "\"100ms\" to \"30d\", such as "
       "\"30s\", got \"99ms\""},
      {"keepalive = \"1500ms\"",
       "13: listener \"in\": keepalive: expected \"0s\" (off) or whole seconds from \"1s\" to "
       "\"9h\", such as \"1m\", got "
       "\"1500ms\""},
      {"keepalive = true",
       "13: listener \"in\": keepalive: expected \"0s\" (off) or whole seconds from \"1s\" to "
       "\"9h\", such as \"1m\", got "
       "true"},
      {"sinks = \"out\"",
       "9: listener \"in\": sinks: expected a list of sink names, such as [\"archive\"], got "
       "\"out\""},
      {"sinks = [\"out\", 7]",
       "17: listener \"in\": sinks: expected a list of sink names, such as [\"archive\"], got 7"},
      {"sinks = [\"\"]",
       "10: listener \"in\": sinks: expected a list of sink names, such as [\"archive\"], got an "
       "empty string"},
      {"sinks = [\"out\", \"out\"]", "17: listener \"in\": sinks: \"out\" is listed twice"},
      {"best_effort_sinks = {}",
       "21: listener \"in\": best_effort_sinks: expected a list of sink names, such as "
       "[\"debug\"], got a table"},
  }));
  CAPTURE(line);
  std::string expected = problem;
  const auto put = [&](const std::string& mark, const std::string& text) {
    if (const auto at = expected.find(mark); at != std::string::npos)
      expected.replace(at, mark.size(), text);
  };
  put("PROTOCOL",
      "listener \"in\": protocol: expected \"raw\", \"syslog\", \"relp\", \"lumberjack\", "
      "\"forward\", \"json\", \"gelf\", \"collectd\", \"statsd\", \"influx\", \"graphite\", "
      "\"graphite_pickle\" or \"opentsdb\", got \"snmp\"");
  put("FRAMING",
      "listener \"in\": framing: expected \"newline\", \"nul\", \"octet_counted\", "
      "\"syslog_auto\", \"delimiter\", \"length_prefixed\", \"varint\", \"fixed\", \"json\" or "
      "\"none\", got ");
  CHECK(problems_of(test::kListener + line + '\n' + test::kSink) == Lines{"t.toml:4:" + expected});
}

TEST_CASE("gro and mode: wrong values", "[config]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"gro = \"yes\"", "7: listener \"in\": gro: expected true or false, got \"yes\""},
      {"gro = \"true\"", "7: listener \"in\": gro: expected true or false, got \"true\""},
      {"gro = 1", "7: listener \"in\": gro: expected true or false, got 1"},
      {"split = \"lines\"",
       "9: listener \"in\": split: expected \"none\" or \"newline\", got \"lines\""},
      {"mode = 660",
       "8: listener \"in\": mode: expected permission bits such as \"0660\" or 0o660, at most "
       "0777, got 660, which is not "
       "octal"},
      {"mode = 0o1777",
       "8: listener \"in\": mode: expected permission bits such as \"0660\" or 0o660, at most "
       "0777, got 1023"},
      {"mode = \"0680\"",
       "8: listener \"in\": mode: expected permission bits such as \"0660\" or 0o660, at most "
       "0777, got \"0680\""},
      {"mode = \"rw-rw----\"",
       "8: listener \"in\": mode: expected permission bits such as \"0660\" or 0o660, at most "
       "0777, got \"rw-rw----\""},
  }));
  CAPTURE(line);
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = [\"udp://:1\", \"unix:///a\"]\n" + line +
                    '\n' + test::kSink) == Lines{"t.toml:4:" + problem});
}

TEST_CASE("[[sink]]: each wrong value is told with its place, its range and what was found",
          "[config]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"type = \"pulsar\"",
       "8: sink \"out\": type: expected \"file\", \"stdout\", \"blackhole\", \"sqlite\", "
       "\"http\", \"relay\", \"kafka\" or \"nats\", got "
       "\"pulsar\""},
      {"encoding = \"avro\"",
       "12: sink \"out\": encoding: expected \"raw\", \"json\", \"msgpack\", \"influx\", "
       "\"graphite\" or "
       "\"syslog\", got "
       "\"avro\""},
      {"newlines = \"strip\"",
       "12: sink \"out\": newlines: expected \"escape\", \"keep\" or \"replace\", got \"strip\""},
      {"sync = true",
       "8: sink \"out\": sync: expected \"never\", \"interval\" or \"always\", got true"},
      {"timezone = \"Europe/Paris\"",
       "12: sink \"out\": timezone: expected \"utc\" or \"local\", got \"Europe/Paris\""},
      {"max_open_files = 0", "18: sink \"out\": max_open_files: expected 1 to 65536, got 0"},
      {"sync_interval = \"0s\"",
       "17: sink \"out\": sync_interval: expected a duration from \"10ms\" to \"1h\", such as "
       "\"1s\", got \"0s\""},
      {"rotate.size = \"1KiB\"",
       "15: sink \"out\": rotate.size: expected \"0\" (off) or a size from \"64KiB\" to \"1TiB\", "
       "such "
       "as \"100MiB\", got \"1KiB\""},
      {"rotate.every = \"30s\"",
       "16: sink \"out\": rotate.every: expected \"0s\" (off) or whole seconds from \"1m\" to "
       "\"365d\", such as \"1d\", got \"30s\""},
      {"rotate = { size = \"1MiB\", keep = -1 }",
       "34: sink \"out\": rotate.keep: expected 0 (all) or 1 to 1000000, got -1"},
      {"rotate = { size = \"1MiB\", compress = \"gzip\" }",
       "38: sink \"out\": rotate.compress: expected \"none\" or \"zstd\", got \"gzip\""},
      {"queue = \"8MiB\"",
       "9: sink \"out\": queue: expected a table, such as queue = { ... }, got \"8MiB\""},
      {"queue = { max_bytes = 65535 }",
       "23: sink \"out\": queue.max_bytes: expected 65536 to 1099511627776 (or a size such as "
       "\"8MiB\"), got 65535"},
      {"queue.when_full = \"drop\"",
       "19: sink \"out\": queue.when_full: expected \"block\", \"drop_newest\" or \"drop_oldest\", "
       "got "
       "\"drop\""},
  }));
  CAPTURE(line);
  const bool interval = line.starts_with("sync_interval");
  const std::string more = interval ? "sync = \"interval\"\n" : "";
  CHECK(problems_of(test::kListener + test::kFileSink + line + '\n' + more) ==
        Lines{"t.toml:7:" + problem});
}

TEST_CASE("[quarantine]: wrong values", "[config]") {
  CHECK(problems_of(test::kGood + "[quarantine]\npath = \"\"\nmax_bytes = 1\n") ==
        Lines{"t.toml:8:8: quarantine: path: expected a directory, such as \"data/quarantine\", "
              "got an empty string",
              "t.toml:9:13: quarantine: max_bytes: expected 0 (nothing is kept) or 65536 to "
              "1099511627776 (or a size such "
              "as \"64MiB\"), got 1"});
}

TEST_CASE("names are of 1 to 64 plain characters", "[config]") {
  const std::string name =
      GENERATE(as<std::string>{}, "a b", "a/b", "..", "\xC3\xBC", "a.b", std::string(65, 'x'));
  CAPTURE(name);
  const std::string shown = '"' + name + '"';
  CHECK(problems_of("[[listener]]\nname = " + shown + "\nlisten = \"tcp://:1\"\n" + test::kSink) ==
        Lines{"t.toml:2:8: listener " + shown +
              ": name: expected 1 to 64 of the characters A-Z a-z 0-9 _ -, got " + shown});
}

TEST_CASE("listen: every wrong entry has its own place", "[config]") {
  const std::string urls =
      "listener \"in\": listen: expected a URL or a list of URLs, such as \"tcp://:5514\", got ";
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = []\n" + test::kSink) ==
        Lines{"t.toml:3:10: " + urls + "an empty list"});
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = 5514\n" + test::kSink) ==
        Lines{"t.toml:3:10: " + urls + "5514"});
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = \"\"\n" + test::kSink) ==
        Lines{"t.toml:3:10: " + urls + "an empty string"});
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = [\n  \"tcp://:1\",\n  7, \"\",\n  "
                    "\"tcp://:1\",\n  \"\\u0000\",\n  "
                    "[\"udp://:1\"],\n]\n" +
                    test::kSink) ==
        Lines{"t.toml:5:3: " + urls + "7", "t.toml:5:6: " + urls + "an empty string",
              "t.toml:6:3: listener \"in\": listen: \"tcp://:1\" is listed twice",
              "t.toml:7:3: " + urls + "a text with a NUL byte", "t.toml:8:3: " + urls + "a list"});
}

TEST_CASE("columns count characters, not bytes", "[config]") {
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = [\"unix:///\xC3\xBC\xC3\xBC\", 3]\n" +
                    test::kSink) == Lines{"t.toml:3:25: listener \"in\": listen: expected a URL or "
                                          "a list of URLs, such as \"tcp://:5514\", got 3"});
}
