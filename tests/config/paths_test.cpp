#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "server/config/path_pattern.h"
#include "tests/config/load_texts.h"

using namespace penstock;
using config::parse_path;
using config::PathPart;
using test::problems_of;
using Kind = PathPart::Kind;
using Lines = std::vector<std::string>;

namespace {

std::string sink(const std::string& name, const std::string& path) {
  return "[[sink]]\nname = \"" + name + "\"\npath = \"" + path + "\"\n";
}

// Listeners `in` and `other` use all sinks.
std::string two(const std::string& a, const std::string& b) {
  return test::kListener + sink("a", a) + sink("b", b) +
         "[[listener]]\nname = \"other\"\nlisten = \"udp://:1\"\n";
}

}  // namespace

TEST_CASE("a path template is taken apart", "[config]") {
  CHECK(parse_path("data/{listener}/%Y-%-d.log").value() ==
        std::vector<PathPart>{{Kind::kLiteral, "data/"},
                              {Kind::kListener, ""},
                              {Kind::kLiteral, "/"},
                              {Kind::kTime, "%Y"},
                              {Kind::kLiteral, "-"},
                              {Kind::kTime, "%-d"},
                              {Kind::kLiteral, ".log"}});
  CHECK(parse_path("{peer}{url}{scheme}").value() ==
        std::vector<PathPart>{{Kind::kPeer, ""}, {Kind::kUrl, ""}, {Kind::kScheme, ""}});
  CHECK(parse_path("a{{b}}%%").value() == std::vector<PathPart>{{Kind::kLiteral, "a{b}%"}});
}

TEST_CASE("mistakes in a path template are told in the file", "[config]") {
  const std::string strftime =
      ", expected one of strftime such as %Y, %m, %d, %H (write %% for the character itself)";
  const auto [path, problem] = GENERATE_COPY(table<std::string, std::string>({
      {"/d/{listner}.log",
       "unknown placeholder \"{listner}\", expected {listener}, {peer}, {url} or {scheme}"},
      {"/d/{}", "unknown placeholder \"{}\", expected {listener}, {peer}, {url} or {scheme}"},
      {"/d/{Listener}",
       "unknown placeholder \"{Listener}\", expected {listener}, {peer}, {url} or {scheme}"},
      {"/d/{listener", "\"{\" without \"}\" (write {{ for the character itself)"},
      {"/d/listener}", "\"}\" without \"{\" (write }} for the character itself)"},
      {"/d/%Q", "unknown conversion \"%Q\"" + strftime},
      {"/d/%", "unknown conversion \"%\"" + strftime},
      {"/d/%-", "unknown conversion \"%-\"" + strftime},
      {"/d/%Ey", "unknown conversion \"%E\"" + strftime},
      {"/d/%n", "unknown conversion \"%n\"" + strftime},
      {"/d/%4Y", "unknown conversion \"%4\"" + strftime},
      {"/d/%Y/", "names a directory, expected a file name behind the last slash"},
      {"/", "names a directory, expected a file name behind the last slash"},
  }));
  CAPTURE(path);
  CHECK(problems_of(test::kListener + sink("out", path)) ==
        Lines{"t.toml:6:8: sink \"out\": path: " + problem});
}

TEST_CASE("a path that no system takes is told", "[config]") {
  CHECK(problems_of(test::kListener + sink("out", '/' + std::string(4095, 'x'))) ==
        Lines{"t.toml:6:8: sink \"out\": path: expected at most 4095 bytes, got 4096"});
  CHECK(problems_of(test::kListener + sink("out", "a\\u0000b")) ==
        Lines{"t.toml:6:8: sink \"out\": path: expected a path template, such as "
              "\"data/{listener}/%Y-%m-%d.log\", got a "
              "text with a NUL byte"});
}

TEST_CASE("two file sinks whose paths can meet are an error", "[config]") {
  const std::string cwd = std::filesystem::current_path().string();
  const auto [a, b] = GENERATE_COPY(table<std::string, std::string>({
      {"/d/x.log", "/d/x.log"},
      {"/d/{listener}.log", "/d/{listener}.log"},
      {"/d/{listener}.log", "/d/in.log"},
      {"/d/{peer}", "/d/192.0.2.1"},
      {"/d/{peer}", "/d/uid-1000"},
      {"/d/{peer}", "/d/unknown"},
      {"/d/{url}", "/d/tcp:%%2F%%2F127.0.0.1:5514"},
      {"/d/{scheme}", "/d/unixgram"},
      {"/d/%Y.log", "/d/2026.log"},
      {"/d/%Y%m", "/d/%m%Y"},
      {"/d/%F.log", "/d/%Y-%m-%d.log"},
      {"/d/%b", "/d/Nov"},
      {"/d/%-d", "/d/7"},
      {"/d/%D", "/d/11/24/26"},
      {"d/x", "./d//y/../x"},
      {"d/x", cwd + "/d/x"},
      {"d/x", "d/x/y"},
      {"/d/%Y/x", "/d/%Y"},
      {"/d/%%Y", "/d/%%Y"},
  }));
  CAPTURE(a, b);
  const Lines meet = {
      "t.toml:9:8: sink \"b\": path: can meet that of sink \"a\" in line 6, expected templates "
      "that never give the same file "
      "or one as a directory of the other"};
  CHECK(problems_of(two(a, b)) == meet);
  CHECK(problems_of(two(b, a)) == meet);
}

TEST_CASE("paths that can never meet are fine", "[config]") {
  const auto [a, b] = GENERATE(table<std::string, std::string>({
      {"/d/x.log", "/d/y.log"},
      {"/d/x", "/d/xy"},
      {"/d/a/{listener}", "/d/b/{listener}"},
      {"/d/{listener}.log", "/d/{listener}.txt"},
      {"/d/{listener}.log", "/d/stranger.log"},
      {"/d/{peer}", "/d/access"},
      {"/d/%Y", "/d/%m"},
      {"/d/%Y", "/d/x"},
      {"/d/%%Y", "/d/%Y"},
      {"/d/{listener}.log", "/d/{scheme}{peer}.log"},
      {"/d/{scheme}", "/d/quic"},
      {"/d/{peer}/x", "/d/192.0.2.1/y"},
      {"d/x", "/d/x"},
  }));
  CAPTURE(a, b);
  CHECK(problems_of(two(a, b)).empty());
}

TEST_CASE("the same template is an error even where routes keep the files apart", "[config]") {
  const auto lines = problems_of(
      "[[listener]]\nname = \"l\"\nlisten = \"tcp://:1\"\nsinks = [\"a\"]\n"
      "[[listener]]\nname = \"m\"\nlisten = \"tcp://:2\"\nsinks = [\"b\"]\n" +
      sink("a", "/d/{listener}") + sink("b", "/d/{listener}"));
  CHECK(lines.size() == 1);
}

TEST_CASE("no sink writes where the quarantine lies", "[config]") {
  const auto [path, quarantine] = GENERATE(table<std::string, std::string>({
      {"data/quarantine/x.log", ""},
      {"data/quarantine", ""},
      {"data", ""},
      {"./data/../data/quarantine/{peer}", ""},
      {"/d/{listener}/x", "path = \"/d/in\""},
      {"/d/%Y/x", "path = \"/d/2026/\""},
      {"/d/x", "path = \"/\""},
      {"/d/a%%b/x", "path = \"/d/a%b\""},
  }));
  CAPTURE(path, quarantine);
  CHECK(problems_of(test::kListener + sink("out", path) + "[quarantine]\n" + quarantine + '\n') ==
        Lines{"t.toml:6:8: sink \"out\": path: can lie in the quarantine directory, expected one "
              "outside of "
              "quarantine.path"});
}

TEST_CASE("a sink beside the quarantine is fine, unless a listener bears its name", "[config]") {
  const std::string path = sink("out", "data/{listener}/%Y-%m-%d.log");
  CHECK(problems_of(test::kListener + path).empty());
  CHECK(problems_of("[[listener]]\nname = \"quarantine\"\nlisten = \"tcp://:1\"\n" + path).size() ==
        1);
  CHECK(problems_of(test::kListener + sink("out", "data/quarantined/x")).empty());
}

TEST_CASE("many sinks and listeners are checked in a moment", "[config]") {
  std::string text = "[server]\nmemory = \"1TiB\"\n";
  for (int i = 0; i < 100; ++i) {
    const auto n = std::to_string(i);
    text += "[[listener]]\nname = \"listener" + n + "\"\nlisten = \"tcp://:" + n + "\"\n" +
            sink("s" + n, "/d/" + n + "/{listener}/{peer}/%Y-%m-%d.log");
  }
  CHECK(problems_of(text).empty());
}

TEST_CASE("rotation cannot give a file the name that another sink writes to", "[config]") {
  const std::string rotated = sink("a", "/d/a.log") + "rotate.size = \"1MiB\"\n";
  const auto [path, meets] = GENERATE(table<std::string, bool>({
      {"/d/a.log.%Y%m%dT%H%M%S.000000Z", true},
      {"/d/a.log.%Y%m%dT%H%M%S.123456Z.zst", true},
      {"/d/a.log.%Y%m%d", false},
      {"/d/a.log.{peer}", false},
      {"/d/b.log.%Y%m%dT%H%M%S.000000Z", false},
  }));
  CAPTURE(path);
  const Lines problem = {
      "t.toml:10:8: sink \"b\": path: can be a name that rotation gives the files of sink \"a\" in "
      "line 6, such as FILE.20260131T000000.000000Z"};
  CHECK(problems_of(test::kListener + rotated + sink("b", path)) == (meets ? problem : Lines{}));
}
