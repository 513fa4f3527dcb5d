#include "server/config/keys.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

TEST_CASE("an unknown key is told at its place, with the key that was meant", "[config]") {
  const auto [key, rest] = GENERATE(table<std::string, std::string>({
      {"idle_timout", ", did you mean \"idle_timeout\"?"},
      {"idle-timeout", ", did you mean \"idle_timeout\"?"},
      {"Framing", ", did you mean \"framing\"?"},
      {"max_frame_byte", ", did you mean \"max_frame_bytes\"?"},
      {"sink", ", did you mean \"sinks\"?"},
      {"encoding", ", it belongs to [[sink]]"},
      {"threads", ", it belongs to [server]"},
      {"carrot",
       ", the keys of [[listener]] are \"name\", \"listen\", \"protocol\", \"framing\", "
       "\"delimiter\", \"length.bytes\", \"length.endian\", \"length.offset\", "
       "\"length.includes_header\", \"frame_bytes\", \"split\", \"max_frame_bytes\", "
       "\"oversize\", \"tail\", \"unparsed\", \"content_encoding\", "
       "\"max_decompressed_bytes\", \"max_decompressed_ratio\", \"receive_buffer\", \"gro\", "
       "\"backlog\", \"max_connections\", \"max_connections_per_peer\", \"idle_timeout\", "
       "\"first_byte_timeout\", \"keepalive\", \"mode\", \"owner\", \"group\", "
       "\"multicast.groups\", \"multicast.interface\", \"multicast.sources\", \"syslog.form\", "
       "\"syslog.year\", \"syslog.zone\", \"syslog.decompress\", "
       "\"syslog.max_decompressed_bytes\", \"syslog.payload\", \"relp.max_window\", "
       "\"lumberjack.keepalive\", \"lumberjack.max_window\", \"lumberjack.max_pairs\", "
       "\"lumberjack.max_decompressed_bytes\", \"lumberjack.max_decompressed_ratio\", "
       "\"lumberjack.max_depth\", \"lumberjack.max_fields\", \"forward.shared_key_file\", "
       "\"forward.users_file\", \"forward.server_name\", \"forward.max_decompressed_bytes\", "
       "\"forward.max_decompressed_ratio\", \"forward.max_depth\", \"json.known_names\", "
       "\"json.max_depth\", \"json.max_fields\", \"gelf.max_message_bytes\", "
       "\"gelf.max_decompressed_ratio\", \"gelf.max_chunk_sets\", \"gelf.max_chunk_bytes\", "
       "\"collectd.types_db\", \"collectd.auth_file\", \"collectd.security\", "
       "\"influx.precision\", \"statsd.flush\", \"statsd.percentiles\", "
       "\"statsd.max_series\", \"statsd.repeat_gauges\", \"statsd.keep_gauges\", \"sinks\" and "
       "\"best_effort_sinks\""},
  }));
  CAPTURE(key);
  CHECK(problems_of(test::kListener + "  " + key + " = 1\n" + test::kSink) ==
        Lines{"t.toml:4:3: listener \"in\": unknown key \"" + key + '"' + rest});
}

TEST_CASE("unknown keys in sub-tables carry the table's name", "[config]") {
  CHECK(problems_of(test::kGood + "queue.max_byte = 1\n") ==
        Lines{"t.toml:7:7: sink \"out\": unknown key \"queue.max_byte\", did you mean "
              "\"queue.max_bytes\"?"});
  CHECK(problems_of(test::kGood + "max_bytes = 1\n") ==
        Lines{"t.toml:7:1: sink \"out\": unknown key \"max_bytes\", did you mean "
              "\"queue.max_bytes\"?"});
  std::string all = ", the keys of [[sink]] are ";
  const std::vector<std::string> names = config::key_names("sink");
  for (std::size_t at = 0; at < names.size(); ++at)
    all += (at == 0 ? "" : at + 1 == names.size() ? " and " : ", ") + ('"' + names[at] + '"');
  CHECK(problems_of(test::kGood + "[sink.queue]\ntyp = \"disk\"\n") ==
        Lines{"t.toml:8:1: sink \"out\": unknown key \"queue.typ\", did you mean \"queue.type\"?"});
  CHECK(problems_of(test::kGood + "[sink.queue]\nzzzzzzzzzzzz = 1\n") ==
        Lines{"t.toml:8:1: sink \"out\": unknown key \"queue.zzzzzzzzzzzz\"" + all});
  CHECK(problems_of(test::kGood + "[sink.pulsar]\nacks = 1\n") ==
        Lines{"t.toml:7:7: sink \"out\": unknown key \"pulsar\"" + all});
}

TEST_CASE("unknown keys of sinks, one by one", "[config]") {
  const std::string key = GENERATE(as<std::string>{}, "hosts", "stream", "channel");
  CAPTURE(key);
  const auto lines = problems_of(test::kGood + key + " = 1\n");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].starts_with("t.toml:7:1: sink \"out\": unknown key \"" + key + "\", "));
}

TEST_CASE("tables: unknown, misspelt, in the wrong form, keys outside", "[config]") {
  const auto [text, problem] = GENERATE(table<std::string, std::string>({
      {"[route]\nlisten = \"tcp://:1\"",
       "7:2: unknown table \"route\", a config file has the tables [server], [[listener]], "
       "[[sink]], [quarantine] and [admin]"},
      {"[sever]\nthreads = 1", "7:2: unknown table \"sever\", did you mean [server]?"},
      {"[[sinks]]\nname = \"x\"", "7:3: unknown table \"sinks\", did you mean [[sink]]?"},
      {"[[server]]\nthreads = 1", "7:3: server: expected the table [server], got a list"},
  }));
  CAPTURE(text);
  CHECK(problems_of(test::kGood + text + '\n') == Lines{"t.toml:" + problem});
}

TEST_CASE("keys before the first table are told to which table they belong", "[config]") {
  CHECK(problems_of("threads = 4\nx = 1\nname = \"a\"\n" + test::kGood) ==
        Lines{"t.toml:1:1: unknown key \"threads\" outside of any table, it belongs to [server]",
              "t.toml:2:1: unknown key \"x\", a config file has the tables [server], [[listener]], "
              "[[sink]], [quarantine] and [admin]",
              "t.toml:3:1: unknown key \"name\", a config file has the tables [server], "
              "[[listener]], [[sink]], "
              "[quarantine] and [admin]"});
}

TEST_CASE("a table in the wrong form", "[config]") {
  CHECK(problems_of("[listener]\nname = \"in\"\nlisten = \"tcp://:1\"\n" + test::kSink) ==
        Lines{
            "t.toml:1:2: listener: expected the table [[listener]], got [listener]",
        });
  CHECK(problems_of("listener = 3\nsink = [1]\nserver = \"x\"\n") ==
        Lines{"t.toml:1:1: listener: expected the table [[listener]], got 3",
              "t.toml:2:1: sink: expected the table [[sink]], got a list",
              "t.toml:3:1: server: expected the table [server], got \"x\""});
}

TEST_CASE("all problems come at once, in the order of the file", "[config]") {
  CHECK(problems_of("[server]\nthreads = -1\nfoo = 1\n[[listener]]\nname = \"a\"\nframing = "
                    "\"x\"\n[[sink]]\ntype = \"y\"\n") ==
        Lines{"t.toml:2:11: server: threads: expected 0 (one a core) or 1 to 256, got -1",
              "t.toml:3:1: server: unknown key \"foo\", the keys of [server] are \"threads\", "
              "\"memory\", \"drain_timeout\", "
              "\"flush_timeout\", \"drain_quiet\", \"at_deadline\", \"max_connections\", "
              "\"log_level\" and \"log_format\"",
              "t.toml:4:1: listener \"a\": listen: missing, expected a URL or a list of URLs, such "
              "as \"tcp://:5514\"",
              "t.toml:6:11: listener \"a\": framing: expected \"newline\", \"nul\", "
              "\"octet_counted\", \"syslog_auto\", \"delimiter\", \"length_prefixed\", \"varint\", "
              "\"fixed\", \"json\" or \"none\", got "
              "\"x\"",
              "t.toml:7:1: sink 1: name: missing, expected a name of its own",
              "t.toml:8:8: sink 1: type: expected \"file\", \"stdout\", \"blackhole\", "
              "\"sqlite\", \"http\", \"relay\", \"kafka\" or \"nats\", got \"y\""});
}

TEST_CASE("an empty file lacks a listener and a sink, and that is all", "[config]") {
  const Lines lines = {"t.toml: no [[listener]]: expected at least one, with name and listen",
                       "t.toml: no [[sink]]: expected at least one, with name and type"};
  CHECK(problems_of("") == lines);
  CHECK(problems_of("# nothing\n[server]\n[quarantine]\n") == lines);
  CHECK(problems_of("listener = []\nsink = []\n") == lines);
}

TEST_CASE("no key is known twice, and each says what it takes", "[config]") {
  const auto keys = config::known_keys();
  CHECK(keys.size() > 100);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    CAPTURE(keys[i].table, keys[i].name);
    CHECK_FALSE(config::describe(keys[i].rule).empty());
    for (std::size_t k = 0; k < i; ++k)
      CHECK((keys[i].table != keys[k].table || keys[i].name != keys[k].name));
  }
}
