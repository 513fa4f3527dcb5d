#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::config_of;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

const std::string kTwo =
    "[[sink]]\nname = \"archive\"\ntype = \"blackhole\"\n[[sink]]\nname = \"debug\"\ntype = "
    "\"stdout\"\n";

std::string routed(const std::string& lines) { return test::kListener + lines + kTwo; }

}  // namespace

TEST_CASE("sinks that do not exist are told at their place in the list", "[config]") {
  CHECK(problems_of(routed("sinks = [\"archive\",\n  \"debgu\"]\n")) ==
        Lines{"t.toml:5:3: listener \"in\": sinks: unknown sink \"debgu\", did you mean \"debug\"?",
              "t.toml:9:1: warning: sink \"debug\": no listener uses it"});
  CHECK(problems_of(routed("best_effort_sinks = [\"kafka\"]\n")) ==
        Lines{"t.toml:4:22: listener \"in\": best_effort_sinks: unknown sink \"kafka\", the sinks "
              "are \"archive\" and "
              "\"debug\""});
}

TEST_CASE("one sink cannot be required and best effort at once", "[config]") {
  CHECK(
      problems_of(routed("sinks = [\"archive\", \"debug\"]\nbest_effort_sinks = [\"debug\"]\n")) ==
      Lines{"t.toml:5:22: listener \"in\": best_effort_sinks: \"debug\" is in sinks as well, "
            "expected in one of them"});
}

TEST_CASE("a listener without any sink is an error, one with best effort sinks alone is not",
          "[config]") {
  const auto lines = problems_of(routed("sinks = []\n"));
  REQUIRE_FALSE(lines.empty());
  CHECK(lines[0] ==
        "t.toml:4:9: listener \"in\": sinks: an empty list and no best_effort_sinks, expected at "
        "least one sink");
  CHECK(problems_of(routed("sinks = []\nbest_effort_sinks = [\"archive\", \"debug\"]\n")).empty());
}

TEST_CASE("sinks default to all that are not best effort", "[config]") {
  CHECK(config_of(routed("")).listeners[0].sinks == Lines{"archive", "debug"});
  CHECK(config_of(routed("best_effort_sinks = [\"debug\"]\n")).listeners[0].sinks ==
        Lines{"archive"});
  CHECK(config_of(routed("best_effort_sinks = [\"debug\", \"archive\"]\n"))
            .listeners[0]
            .sinks.empty());
  CHECK(config_of(routed("sinks = [\"debug\"]\n")).listeners[0].sinks == Lines{"debug"});
}

TEST_CASE("a sink that no listener uses is a warning", "[config]") {
  CHECK(problems_of(routed("sinks = [\"debug\"]\n")) ==
        Lines{"t.toml:5:1: warning: sink \"archive\": no listener uses it"});
}

TEST_CASE("names are given and given once", "[config]") {
  CHECK(
      problems_of(test::kGood + "[[sink]]\nname = \"out\"\ntype = \"blackhole\"\n") ==
      Lines{"t.toml:8:8: sink \"out\": name: used already in line 5, expected a name of its own"});
  CHECK(
      problems_of(test::kGood + "[[listener]]\nname = \"in\"\nlisten = \"udp://:1\"\n") ==
      Lines{
          "t.toml:8:8: listener \"in\": name: used already in line 2, expected a name of its own"});
  CHECK(problems_of(test::kGood + "[[listener]]\nlisten = \"udp://:1\"\n") ==
        Lines{"t.toml:7:1: listener 2: name: missing, expected a name of its own"});
  CHECK(problems_of(test::kGood + "[[listener]]\nname = \"out\"\nlisten = \"udp://:1\"\n").empty());
}

TEST_CASE("a listener must listen", "[config]") {
  CHECK(problems_of("[[listener]]\nname = \"in\"\n" + test::kSink) ==
        Lines{"t.toml:1:1: listener \"in\": listen: missing, expected a URL or a list of URLs, "
              "such as \"tcp://:5514\""});
}

TEST_CASE("two listeners cannot have one URL", "[config]") {
  CHECK(problems_of(test::kGood +
                    "[[listener]]\nname = \"b\"\nlisten = [\"udp://:5514\", \"tcp://:5514\"]\n") ==
        Lines{"t.toml:9:26: listener \"b\": listen: \"tcp://:5514\" is taken already by listener "
              "\"in\" in line 3"});
}

TEST_CASE(
    "the good entries of a list with bad ones are kept, each once, for the checks of the URLs",
    "[config]") {
  const auto config = config_of(
      "[[listener]]\nname = \"a\"\nlisten = [\"tcp://:1\", 7, \"tcp://:1\", \"udp://:1\"]\n"
      "[[listener]]\nname = \"b\"\nlisten = [\"tcp://:1\", \"tcp://:2\"]\n" +
      kTwo);
  const auto urls = [&](std::size_t listener) {
    Lines lines;
    for (const auto& entry : config.listeners.at(listener).listen) lines.push_back(entry.url);
    return lines;
  };
  CHECK(urls(0) == Lines{"tcp://:1", "udp://:1"});
  CHECK(urls(1) == Lines{"tcp://:2"});
}

TEST_CASE("sinks: keys against types", "[config]") {
  const auto [lines, problem] = GENERATE(table<std::string, std::string>({
      {"type = \"file\"",
       "4:1: sink \"out\": path: missing, a file sink needs one, such as "
       "\"data/{listener}/%Y-%m-%d.log\""},
      {"type = \"stdout\"\npath = \"x\"",
       "7:1: sink \"out\": path: a sink of type \"stdout\" has none, only \"file\" has"},
      {"type = \"blackhole\"\npath = \"x\"",
       "7:1: sink \"out\": path: a sink of type \"blackhole\" has none, only \"file\" has"},
      {"type = \"stdout\"\nsync = \"always\"",
       "7:1: warning: sink \"out\": sync: no effect: only for type \"file\", this is \"stdout\""},
      {"type = \"stdout\"\ntimezone = \"utc\"",
       "7:1: warning: sink \"out\": timezone: no effect: only for type \"file\", this is "
       "\"stdout\""},
      {"type = \"blackhole\"\nmax_open_files = 3",
       "7:1: warning: sink \"out\": max_open_files: no effect: only for type \"file\", this is "
       "\"blackhole\""},
      {"type = \"blackhole\"\nnewlines = \"keep\"",
       "7:1: warning: sink \"out\": newlines: no effect: a sink of type \"blackhole\" writes "
       "nothing"},
      {"type = \"stdout\"\nrotate.size = \"1MiB\"",
       "7:8: sink \"out\": rotate.size: a sink of type \"stdout\" has no file to rotate, only "
       "\"file\" has"},
      {"type = \"blackhole\"\nrotate = { every = \"1h\" }",
       "7:12: sink \"out\": rotate.every: a sink of type \"blackhole\" has no file to rotate, only "
       "\"file\" has"},
      {"path = \"/d/x\"\nrotate.keep = 3",
       "7:8: warning: sink \"out\": rotate.keep: no effect: neither rotate.size nor rotate.every "
       "is given"},
      {"path = \"/d/x\"\nrotate = { size = \"0\", compress = \"zstd\" }",
       "7:24: warning: sink \"out\": rotate.compress: no effect: neither rotate.size nor "
       "rotate.every is given"},
      {"path = \"/d/x\"\nnewlines = \"keep\"\nencoding = \"json\"",
       "7:1: warning: sink \"out\": newlines: no effect: only for encoding \"raw\""},
      {"type = \"stdout\"\nencoding = \"json\"\nnewlines = \"escape\"",
       "8:1: warning: sink \"out\": newlines: no effect: only for encoding \"raw\""},
      {"path = \"/d/x\"\nsync_interval = \"5s\"",
       "7:1: warning: sink \"out\": sync_interval: no effect: sync is not \"interval\""},
      {"path = \"/d/x\"\nsync_interval = \"5s\"\nsync = \"always\"",
       "7:1: warning: sink \"out\": sync_interval: no effect: sync is not \"interval\""},
  }));
  CAPTURE(lines);
  CHECK(problems_of(test::kListener + "[[sink]]\nname = \"out\"\n" + lines + '\n') ==
        Lines{"t.toml:" + problem});
}

TEST_CASE("two sinks cannot share the standard output", "[config]") {
  CHECK(problems_of(routed("") + "[[sink]]\nname = \"more\"\ntype = \"stdout\"\n") ==
        Lines{"t.toml:12:8: sink \"more\": type: a second sink of type \"stdout\" beside sink "
              "\"debug\", expected one: their "
              "records would mix"});
}
