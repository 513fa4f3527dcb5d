#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

/// A listener "in" with these lines, and a sink "out" with those.
std::string file(const std::string& listener) { return test::kListener + listener + test::kSink; }

std::string file_with_encoding(const std::string& listener, const std::string& encoding) {
  return test::kListener + listener + "[[sink]]\nname = \"out\"\ntype = \"stdout\"\nencoding = \"" +
         encoding + "\"\n";
}

const config::Listener& only_listener(const config::Loaded& loaded) {
  REQUIRE(loaded.problems.empty());
  return loaded.config.listeners.at(0);
}

}  // namespace

TEST_CASE("protocol: it chooses framing where the file does not", "[config]") {
  const auto framing = [](const std::string& lines) {
    return only_listener(config::load_text(file(lines), "t.toml")).frames.framing;
  };
  CHECK(framing("") == Framing::kNewline);
  CHECK(framing("protocol = \"raw\"\n") == Framing::kNewline);
  CHECK(framing("protocol = \"syslog\"\n") == Framing::kSyslogAuto);
  CHECK(framing("protocol = \"syslog\"\nframing = \"nul\"\n") == Framing::kNul);
}

TEST_CASE("protocol: options of its own table", "[config]") {
  const auto loaded = config::load_text(
      file("protocol = \"syslog\"\nunparsed = \"quarantine\"\n"
           "syslog = { form = \"rfc3164\", year = 2020, zone = \"-03:30\", payload = \"cef\", "
           "decompress = false, max_decompressed_bytes = \"2KiB\" }\n"),
      "t.toml");
  const config::Listener& listener = only_listener(loaded);
  CHECK(listener.frames.unparsed == Unparsed::kQuarantine);
  CHECK(listener.of_protocol.syslog == SyslogOptions{.form = SyslogOptions::Form::k3164,
                                                     .year = 2020,
                                                     .zone_offset_s = -12600,
                                                     .decompress = false,
                                                     .max_decompressed_bytes = 2048,
                                                     .payload = SyslogOptions::Payload::kCef});
}

TEST_CASE("protocol: how statsd is aggregated", "[config]") {
  const auto loaded = config::load_text(
      file("protocol = \"statsd\"\nstatsd = { flush = \"10s\", percentiles = [50, 99.9], "
           "max_series = 7, repeat_gauges = true, keep_gauges = \"0s\" }\n"),
      "t.toml");
  CHECK(only_listener(loaded).of_protocol.statsd ==
        StatsdOptions{.flush = std::chrono::seconds(10),
                      .percentiles = {50, 99.9},
                      .max_series = 7,
                      .repeat_gauges = true,
                      .keep_gauges = std::chrono::milliseconds(0)});
  const auto statsd = [](const std::string& keys) {
    return problems_of(file("protocol = \"statsd\"\nstatsd = { " + keys + " }\n"));
  };
  CHECK(statsd("flush = \"1s\", percentiles = []").empty());
  CHECK(statsd("max_series = 7") ==
        Lines{"t.toml:5:12: warning: listener \"in\": statsd.max_series: no effect without "
              "statsd.flush"});
  const std::string expected =
      " listener \"in\": statsd.percentiles: expected a list of numbers above 0 and below 100, "
      "such "
      "as [90, 99.9], got ";
  CHECK(statsd("flush = \"1s\", percentiles = [90, 100]") ==
        Lines{"t.toml:5:45:" + expected + "100"});
  CHECK(statsd("flush = \"1s\", percentiles = [0.0]") == Lines{"t.toml:5:41:" + expected + "0.0"});
  CHECK(statsd("flush = \"1s\", percentiles = [\"90\"]") ==
        Lines{"t.toml:5:41:" + expected + "\"90\""});
  CHECK(statsd("flush = \"1s\", percentiles = 90") == Lines{"t.toml:5:40:" + expected + "90"});
  CHECK(statsd("flush = \"1s\", percentiles = [90, 90.0]") ==
        Lines{"t.toml:5:45: listener \"in\": statsd.percentiles: 90 is listed twice"});
}

TEST_CASE("protocol: the longest message of gelf fits into what may wait", "[config]") {
  const auto gelf = [](const std::string& keys) {
    return problems_of(file("protocol = \"gelf\"\ngelf = { " + keys + " }\n"));
  };
  CHECK(gelf("max_message_bytes = \"16MiB\", max_chunk_bytes = \"16MiB\"").empty());
  CHECK(gelf("max_message_bytes = 65537, max_chunk_bytes = 65536") ==
        Lines{"t.toml:5:30: listener \"in\": gelf.max_message_bytes: a message of "
              "gelf.max_message_bytes, 65537, could never be put together in "
              "gelf.max_chunk_bytes, 65536"});
  CHECK(gelf("max_chunk_bytes = 65536") ==
        Lines{"t.toml:5:28: listener \"in\": gelf.max_chunk_bytes: a message of "
              "gelf.max_message_bytes, 1048576, could never be put together in "
              "gelf.max_chunk_bytes, 65536"});
}

TEST_CASE("protocol: keys of another one's table are errors", "[config]") {
  CHECK(problems_of(file("syslog.year = 2020\n")) ==
        Lines{"t.toml:4:8: listener \"in\": syslog.year: only protocol = \"syslog\" has it"});
  CHECK(problems_of(file("unparsed = \"quarantine\"\n")) ==
        Lines{"t.toml:4:1: warning: listener \"in\": unparsed: no effect: protocol = \"raw\" takes "
              "every frame as it is"});
}

TEST_CASE("protocol: zones", "[config]") {
  const auto [zone, good] = GENERATE(table<std::string, bool>({
      {"utc", true},
      {"Z", true},
      {"+14:00", true},
      {"-0330", true},
      {"+24:00", false},
      {"+1:00", false},
      {"02:00", false},
      {"+02:60", false},
      {"CET", false},
      {"local", true},
  }));
  CAPTURE(zone);
  const auto problems =
      problems_of(file("protocol = \"syslog\"\nsyslog.zone = \"" + zone + "\"\n"));
  CHECK(problems.empty() == good);
  if (!good)
    CHECK(problems ==
          Lines{"t.toml:5:15: listener \"in\": syslog.zone: expected an offset from UTC "
                "such as \"+02:00\", \"utc\", or \"local\", got \"" +
                zone + '"'});
}

TEST_CASE("protocol: what refuses takes no policy for what it would deliver", "[config]") {
  const std::string refusing = "protocol = \"forward\"\n", parsing = "protocol = \"syslog\"\n";
  for (const std::string line :
       {"oversize = \"close\"", "tail = \"deliver\"", "unparsed = \"quarantine\""}) {
    CAPTURE(line);
    CHECK(problems_of(file(parsing + line + "\n")).empty());
    const std::string key = line.substr(0, line.find(' '));
    const auto told = problems_of(file(refusing + line + "\n"));
    CHECK(std::count(
              told.begin(), told.end(),
              "t.toml:5:1: warning: listener \"in\": " + key +
                  ": no effect: protocol = \"forward\" refuses what is too long, unfinished or "
                  "not in form, and its sender keeps it") == 1);
  }
  const std::string unfinished = "protocol = \"lumberjack\"\n";
  const auto none = problems_of(file(unfinished + "unparsed = \"quarantine\"\n")).size();
  CHECK(problems_of(file(unfinished + "tail = \"deliver\"\n")).size() == none + 1);
}

TEST_CASE("protocol: the zone of this machine is no offset", "[config]") {
  const auto loaded =
      config::load_text(file("protocol = \"syslog\"\nsyslog.zone = \"local\"\n"), "t.toml");
  CHECK(only_listener(loaded).of_protocol.syslog.zone_offset_s == std::nullopt);
}

TEST_CASE("protocol: an encoding that has no form for what it makes is an error", "[config]") {
  CHECK(problems_of(file_with_encoding("protocol = \"syslog\"\n", "influx")) ==
        Lines{"t.toml:4:12: listener \"in\": sinks: sink \"out\" with encoding = \"influx\" cannot "
              "take what protocol = \"syslog\" makes: it writes metric points only"});
  CHECK(problems_of(file_with_encoding("", "graphite")).size() == 1);
  CHECK(problems_of(file_with_encoding("", "syslog")).empty());
  CHECK(problems_of(file_with_encoding("protocol = \"syslog\"\n", "syslog")).empty());
  CHECK(problems_of(file_with_encoding("protocol = \"statsd\"\n", "syslog")).size() == 1);
}

TEST_CASE("protocol: collectd's values and notifications have a form each", "[config]") {
  const std::string encoding = GENERATE("influx", "graphite", "syslog");
  CAPTURE(encoding);
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = \"udp://127.0.0.1:25826\"\n"
                    "protocol = \"collectd\"\n[[sink]]\nname = \"out\"\ntype = \"stdout\"\n"
                    "encoding = \"" +
                    encoding + "\"\n")
            .empty());
}

TEST_CASE("protocol: acknowledging what no sink must have is warned of", "[config]") {
  const auto warnings = [](const std::string& lines) { return problems_of(file(lines)).size(); };
  CHECK(problems_of(file("protocol = \"forward\"\nbest_effort_sinks = [\"out\"]\n")) ==
        Lines{"t.toml:5:21: warning: listener \"in\": best_effort_sinks: protocol = \"forward\" "
              "acknowledges what the sinks in \"sinks\" have, and there are none: what these drop "
              "is acknowledged too, and lost"});
  CHECK(warnings("protocol = \"json\"\nbest_effort_sinks = [\"out\"]\n") == 0);
}
