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

const std::string kDatabase =
    "[[sink]]\nname = \"out\"\ntype = \"sqlite\"\npath = \"/d/logs.db\"\n";

}  // namespace

TEST_CASE("sqlite sink: its keys", "[config][sqlite]") {
  const auto sink = config_of(test::kListener + kDatabase +
                              "table = \"{scheme}_{listener}\"\nretention = \"30d\"\n"
                              "max_rows = 5\nmax_size = \"1GiB\"\nsync = \"always\"\n")
                        .sinks.at(0);
  CHECK(sink.type == config::SinkType::kSqlite);
  CHECK(sink.sqlite == config::SqliteSink{.table = "{scheme}_{listener}",
                                          .retention = std::chrono::hours(30 * 24),
                                          .max_rows = 5,
                                          .max_size_bytes = std::size_t{1} << 30});
  CHECK(config_of(test::kListener + kDatabase).sinks.at(0).sqlite == config::SqliteSink{});
}

TEST_CASE("sqlite sink: what is wrong is told with its place", "[config][sqlite]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"retention = \"30s\"",
       "13: sink \"out\": retention: expected \"0s\" (for ever) or whole seconds from \"1m\" to "
       "\"36500d\", such as \"30d\", got \"30s\""},
      {"max_rows = -1",
       "12: sink \"out\": max_rows: expected 0 (no limit) or 1 to 1000000000000, got -1"},
      {"max_size = \"1KiB\"",
       "12: sink \"out\": max_size: expected \"0\" (no limit) or a size from \"1MiB\" to "
       "\"16TiB\", "
       "such as \"10GiB\", got \"1KiB\""},
      {"table = \"{peer}\"",
       "9: sink \"out\": table: expected a name with {listener} and {scheme} alone, got "
       "\"{peer}\""},
      {"table = \"logs_%Y\"",
       "9: sink \"out\": table: expected a name with {listener} and {scheme} alone, got "
       "\"logs_%Y\""},
      {"table = \"SQLite_x\"",
       "9: sink \"out\": table: expected a name that does not begin with \"sqlite_\", which SQLite "
       "keeps for itself"},
      {"rotate.size = \"1MiB\"",
       "8: sink \"out\": rotate.size: a sink of type \"sqlite\" has no file to rotate, only "
       "\"file\" has; `retention` removes old rows"},
      {"encoding = \"json\"",
       "1: warning: sink \"out\": encoding: no effect: a sink of type \"sqlite\" writes rows, not "
       "files of records"},
      {"sync_interval = \"2s\"",
       "1: warning: sink \"out\": sync_interval: no effect: sync is not \"interval\""},
  }));
  CAPTURE(line);
  CHECK(problems_of(test::kListener + kDatabase + line + '\n') == Lines{"t.toml:8:" + problem});
}

TEST_CASE("sqlite sink: its path is one file that no other sink writes", "[config][sqlite]") {
  const std::string sink = "[[sink]]\nname = \"out\"\ntype = \"sqlite\"\n";
  CHECK(problems_of(test::kListener + sink) ==
        Lines{"t.toml:4:1: sink \"out\": path: missing, a sqlite sink needs one, such as "
              "\"data/penstock.db\""});
  CHECK(problems_of(test::kListener + sink + "path = \"/d/{listener}.db\"\n") ==
        Lines{"t.toml:7:8: sink \"out\": path: expected the path of one database without {...} "
              "and %..., got \"/d/{listener}.db\"; `table` names a table a listener"});
  CHECK(problems_of(test::kListener + kDatabase +
                    "[[sink]]\nname = \"too\"\ntype = \"sqlite\"\npath = \"/d/logs.db\"\n") ==
        Lines{"t.toml:11:8: sink \"too\": path: can meet that of sink \"out\" in line 7, expected "
              "templates that never give the same file or one as a directory of the other"});
}

TEST_CASE("sqlite sink: a listener whose name no table can have", "[config][sqlite]") {
  const std::string listener = "[[listener]]\nname = \"Sqlite_in\"\nlisten = \"tcp://:1\"\n";
  CHECK(problems_of(listener + kDatabase) ==
        Lines{"t.toml:4:1: sink \"out\": table: no table can be called as listener \"Sqlite_in\" "
              "is: SQLite keeps names that begin with \"sqlite_\" for itself; expected another "
              "beginning, such as \"of_{listener}\""});
  CHECK(problems_of(listener + kDatabase + "table = \"of_{listener}\"\n").empty());
}

TEST_CASE("keys of a sqlite sink are refused elsewhere", "[config][sqlite]") {
  const std::string key = GENERATE(as<std::string>{}, "table = \"t\"", "retention = \"1h\"",
                                   "max_rows = 1", "max_size = \"1MiB\"");
  const std::string name = key.substr(0, key.find(' '));
  CHECK(problems_of(test::kGood + key + '\n') ==
        Lines{"t.toml:7:1: sink \"out\": " + name + ": only a sink of type \"sqlite\" has it"});
}

TEST_CASE("a protocol that acknowledges before a database that a power cut may empty is warned of",
          "[config][sqlite]") {
  const std::string listener =
      "[[listener]]\nname = \"in\"\nlisten = \"tcp://:1\"\nprotocol = \"relp\"\n";
  CHECK(problems_of(listener + kDatabase).size() == 1);
  CHECK(problems_of(listener + kDatabase + "sync = \"always\"\n").empty());
}
