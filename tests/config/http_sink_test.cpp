#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using config::Encoding;
using config::HttpPreset;
using test::config_of;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

const std::string kHttp =
    "[[sink]]\nname = \"out\"\ntype = \"http\"\nendpoint = \"https://h:1/p\"\n";

}  // namespace

TEST_CASE("http sink: its keys", "[config][http]") {
  const auto sink =
      config_of(test::kListener + kHttp +
                "preset = \"splunk\"\n[sink.http]\ntarget = \"main\"\ncompression = \"gzip\"\n"
                "batch_bytes = \"2MiB\"\nin_flight = 3\ntimeout = \"5s\"\nca_file = \"/a\"\n"
                "client_cert = \"/b\"\nclient_key = \"/c\"\n"
                "[sink.http.headers]\nAuthorization = \"Splunk x\"\nX-Number = 5\n")
          .sinks.at(0);
  CHECK(sink.type == config::SinkType::kHttp);
  CHECK(sink.http.endpoint == "https://h:1/p");
  CHECK(sink.http.preset == HttpPreset::kSplunk);
  CHECK(sink.http.target == "main");
  CHECK(sink.http.compression == config::HttpCompression::kGzip);
  CHECK(sink.http.batch_bytes == std::size_t{2} << 20);
  CHECK(sink.http.in_flight == 3);
  CHECK(sink.http.timeout == std::chrono::seconds(5));
  CHECK(
      (sink.http.ca_file == "/a" && sink.http.client_cert == "/b" && sink.http.client_key == "/c"));
  REQUIRE(sink.http.headers.size() == 2);
  CHECK((sink.http.headers[0].name == "Authorization" && sink.http.headers[0].value == "Splunk x"));
  CHECK((sink.http.headers[1].name == "X-Number" && sink.http.headers[1].value == "5"));
}

TEST_CASE("http sink: a preset brings its encoding", "[config][http]") {
  const auto [preset, encoding] = GENERATE(table<std::string, Encoding>({
      {"none", Encoding::kRaw},
      {"clickhouse\"\nhttp.target = \"logs", Encoding::kJson},
      {"elasticsearch", Encoding::kJson},
      {"loki", Encoding::kRaw},
      {"splunk\"\nencoding = \"json", Encoding::kJson},
      {"loki\"\nencoding = \"json", Encoding::kJson},
  }));
  CAPTURE(preset);
  CHECK(config_of(test::kListener + kHttp + "preset = \"" + preset + "\"\n").sinks.at(0).encoding ==
        encoding);
}

TEST_CASE("http sink: a preset of metrics takes no logs", "[config][http]") {
  CHECK(problems_of(test::kListener + kHttp + "preset = \"influx\"\n").size() == 1);
  const std::string metrics =
      "[[listener]]\nname = \"in\"\nlisten = \"udp://:1\"\nprotocol = \"statsd\"\n";
  CHECK(problems_of(metrics + kHttp + "preset = \"influx\"\n").empty());
}

TEST_CASE("http sink: what is wrong is told with its place", "[config][http]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"preset = \"solr\"",
       "10: sink \"out\": preset: expected \"none\", \"clickhouse\", \"influx\", \"loki\", "
       "\"elasticsearch\" or \"splunk\", got \"solr\""},
      {"preset = \"clickhouse\"",
       "10: sink \"out\": http.target: missing, preset = \"clickhouse\" needs a table, such as "
       "\"logs\""},
      {"http.target = \"x\"",
       "6: warning: sink \"out\": http.target: no effect: preset = \"none\" has no such thing"},
      {"http.headers = { \"a b\" = \"x\" }",
       "18: sink \"out\": http.headers: expected the name of a header, such as Authorization, got "
       "\"a b\""},
      {"http.headers = { a = \"x\\ny\" }",
       "22: sink \"out\": http.headers: \"a\": expected one line"},
      {"http.in_flight = 0", "18: sink \"out\": http.in_flight: expected 1 to 64, got 0"},
      {"http.client_key = \"/k\"",
       "19: sink \"out\": http.client_key: expected http.client_cert beside it"},
      {"path = \"/d/x\"",
       "1: sink \"out\": path: a sink of type \"http\" has no file, only \"file\" has"},
      {"sync = \"always\"",
       "1: warning: sink \"out\": sync: no effect: a sink of type \"http\" writes no files"},
  }));
  CAPTURE(line);
  CHECK(problems_of(test::kListener + kHttp + line + '\n') == Lines{"t.toml:8:" + problem});
}

TEST_CASE("http sink: the table of ClickHouse stands in a query as it is", "[config][http]") {
  const auto [target, good] = GENERATE(table<std::string, bool>({
      {"logs", true},
      {"_db1.Logs_2", true},
      {"my-logs", false},
      {"logs (a, b)", false},
      {"a.b.c", false},
      {"logs.", false},
      {".logs", false},
      {"1logs", false},
      {"logs FORMAT CSV --", false},
      {"l\u00f6gs", false},
  }));
  CAPTURE(target);
  const std::string line = "preset = \"clickhouse\"\nhttp.target = \"" + target + "\"\n";
  const Lines problems = problems_of(test::kListener + kHttp + line);
  CHECK(problems.empty() == good);
  if (target == "my-logs")
    CHECK(problems ==
          Lines{"t.toml:9:15: sink \"out\": http.target: expected a table, letters, "
                "digits and _ such as \"logs\" or \"database.logs\" (any other name goes "
                "into a query of the endpoint), got \"my-logs\""});
  CHECK(problems_of(test::kListener + kHttp + "preset = \"splunk\"\nhttp.target = \"my-logs\"\n")
            .empty());
}

TEST_CASE("http sink: an encoding that the preset does not send", "[config][http]") {
  CHECK(problems_of(test::kListener + kHttp + "preset = \"loki\"\nencoding = \"msgpack\"\n") ==
        Lines{"t.toml:9:12: sink \"out\": encoding: preset = \"loki\" sends \"raw\" or \"json\", "
              "got \"msgpack\""});
  CHECK(problems_of(test::kListener + kHttp + "preset = \"elasticsearch\"\nencoding = \"raw\"\n") ==
        Lines{"t.toml:9:12: sink \"out\": encoding: preset = \"elasticsearch\" sends \"json\" and "
              "nothing else, leave it out"});
}

TEST_CASE("http sink: its endpoint is a URL without secrets", "[config][http]") {
  const auto [url, problem] = GENERATE(table<std::string, std::string>({
      {"h:1", "expected a URL that begins with http:// or https://"},
      {"ftp://h", "expected a URL that begins with http:// or https://"},
      {"http://", "expected a host behind ://"},
      {"http://:80/", "expected a host behind ://"},
      {"http://h/a b", "expected a URL without blanks"},
      {"http://h/#a", "expected a URL without #"},
  }));
  CAPTURE(url);
  const std::string sink = "[[sink]]\nname = \"out\"\ntype = \"http\"\n";
  CHECK(problems_of(test::kListener + sink + "endpoint = \"" + url + "\"\n") ==
        Lines{"t.toml:7:12: sink \"out\": endpoint: " + problem + ", got \"" + url + '"'});
  CHECK(
      problems_of(test::kListener + sink + "endpoint = \"http://a:b@h/\"\n") ==
      Lines{"t.toml:7:12: sink \"out\": endpoint: expected a URL without user and password, which "
            "go into a header, such as http.headers = { Authorization = \"Basic ...\" }"});
  CHECK(problems_of(test::kListener + sink + "endpoint = \"http://h/@\"\n").empty());
  CHECK(problems_of(test::kListener + sink) ==
        Lines{"t.toml:4:1: sink \"out\": endpoint: missing, an http sink needs one, such as "
              "\"http://127.0.0.1:8123\""});
}

TEST_CASE("keys of an http sink are refused elsewhere", "[config][http]") {
  const std::string key =
      GENERATE(as<std::string>{}, "endpoint = \"http://h\"", "preset = \"loki\"");
  CHECK(problems_of(test::kGood + key + '\n') ==
        Lines{"t.toml:7:1: sink \"out\": " + key.substr(0, key.find(' ')) +
              ": only a sink of type \"http\" has it"});
  CHECK(problems_of(test::kGood + "http = { in_flight = 1 }\n") ==
        Lines{"t.toml:7:10: sink \"out\": http.in_flight: only a sink of type \"http\" has it"});
}
