#include "server/net/check_listen.h"

#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/net/address_support.h"

using namespace penstock;
using namespace penstock::test;

namespace {

/// One listener `a` with these URLs, on lines 1, 2, ...
config::Config config_of(const std::vector<std::string>& urls) {
  config::Listener listener;
  listener.name = "a";
  for (const std::string& url : urls) {
    listener.listen.push_back({url, {static_cast<std::uint32_t>(listener.listen.size() + 1), 9}});
  }
  config::Config config;
  config.listeners.push_back(listener);
  return config;
}

/// All problems, `LINE: text` each.
std::string problems_of(const config::Config& config) {
  std::string all;
  for (const config::Problem& problem : check_listen(config)) {
    CHECK(problem.place.column == 9);
    CHECK_FALSE(problem.warning);
    all += (all.empty() ? "" : "\n") + std::to_string(problem.place.line) + ": " + problem.text;
  }
  return all;
}

std::string problems_of(const std::vector<std::string>& urls) {
  return problems_of(config_of(urls));
}

}  // namespace

TEST_CASE("every bad entry is told at its place, good ones are not", "[check_listen]") {
  CHECK(problems_of({"tcp://:5514", "TCP://:1", "udp://:99999", "unix://tmp/x", "tcp://127.1:80",
                     "tcp4://[::1]:80"}) ==
        "2: listener \"a\": listen: \"TCP://:1\": unknown scheme \"TCP\", did you mean \"tcp\"?\n"
        "3: listener \"a\": listen: \"udp://:99999\": invalid port \"99999\", expected 0 to 65535\n"
        "4: listener \"a\": listen: \"unix://tmp/x\": path must begin with \"/\", \"./\" or \"@\", "
        "did you mean "
        "\"unix:///tmp/x\" or \"unix://./tmp/x\"?\n"
        "5: listener \"a\": listen: \"tcp://127.1:80\": no such host \"127.1\": neither a host "
        "name nor an IP address "
        "(IPv4 is four decimal numbers without leading zeros)\n"
        "6: listener \"a\": listen: \"tcp4://[::1]:80\": no suitable address found: tcp4 takes "
        "IPv4 only, use tcp or "
        "tcp6 for ::1");
}

TEST_CASE("no control byte of an entry reaches the message", "[check_listen]") {
  const std::string url = GENERATE(as<std::string>{}, "%", "tcp://%", "%tcp://:1", "tcp://:%",
                                   "tcp://a%:1", "tcp://[::1%%]:1", "tcp://[%", "tcp4://[::1%%]:1",
                                   "unix://%", "unix://./%/", "tcp://:%:1", "a:%");
  std::string evil = url;
  while (evil.find('%') != std::string::npos) evil.replace(evil.find('%'), 1, "\x1b[31m\n");
  CAPTURE(evil);
  const std::string problems = problems_of(std::vector{evil});
  REQUIRE(problems.find("\\u001b[31m\\n") != std::string::npos);
  CHECK(std::none_of(problems.begin(), problems.end(), [](unsigned char c) { return c < 0x20; }));
}

TEST_CASE("a clash is told without control bytes, names included", "[check_listen]") {
  config::Config config = config_of({"unix://./a\x1b", "unix://.//a\x1b"});
  config.listeners[0].name = "in\x1b";
  CHECK(problems_of(config) ==
        "2: listener \"in\\u001b\": listen: \"unix://.//a\\u001b\" is the same path as "
        "\"unix://./a\\u001b\" (line 1)");
}

TEST_CASE("names and zones are left to the machine that binds", "[check_listen]") {
  CHECK(problems_of({"tcp://no-such-host.invalid:5514", "udp://[fe80::1%nosuch0]:514"}).empty());
}

TEST_CASE("a zone that no machine could bind is told", "[check_listen]") {
  CHECK(
      problems_of({"tcp4://[fe80::1%lo]:0", "udp://[::ffff:1.2.3.4%lo]:0", "udp4://[::%lo]:0",
                   "tcp6://[::ffff:1.2.3.4%nosuch0]:0", "tcp6://[fe80::1%lo]:0"}) ==
      "1: listener \"a\": listen: \"tcp4://[fe80::1%lo]:0\": no suitable address found: tcp4 takes "
      "IPv4 only, use tcp or tcp6 for fe80::1\n"
      "2: listener \"a\": listen: \"udp://[::ffff:1.2.3.4%lo]:0\": only IPv6 addresses have zones, "
      "and ::ffff:1.2.3.4 stands for IPv4\n"
      "3: listener \"a\": listen: \"udp4://[::%lo]:0\": no suitable address found: udp4 takes "
      "IPv4 only, use udp or udp6 for ::\n"
      "4: listener \"a\": listen: \"tcp6://[::ffff:1.2.3.4%nosuch0]:0\": only IPv6 addresses have "
      "zones, and ::ffff:1.2.3.4 stands for IPv4");
}

TEST_CASE("pairs that can be bound together are accepted", "[check_listen]") {
  const auto [one, other] = GENERATE(table<std::string, std::string>({
      {"tcp://:5514", "udp://:5514"},
      {"tcp4://:5514", "tcp6://:5514"},
      {"tcp4://:5514", "tcp6://[::1]:5514"},
      {"tcp6://:5514", "tcp://127.0.0.1:5514"},
      {"tcp://:5514", "tcp://:5515"},
      {"tcp://:0", "tcp://:0"},
      {"tcp://", "tcp4://"},
      {"udp://127.0.0.1:0", "udp://127.0.0.1:"},
      {"tcp://127.0.0.1:5514", "tcp://127.0.0.2:5514"},
      {"tcp://127.0.0.1:5514", "tcp://[::1]:5514"},
      {"udp://[fe80::1%a]:514", "udp://[fe80::1%b]:514"},
      {"tcp4://localhost:5514", "tcp6://localhost:5514"},
      {"tcp://one.example:5514", "tcp://two.example:5514"},
      {"tcp4://:5514", "tcp6://host.example:5514"},
      {"tcp4://:5514", "tcp://host.example:5514"},
      {"unix:///run/a.sock", "unix:///run/b.sock"},
      {"unix://@name", "unixgram://@name"},
      {"unix://@name", "unix:///name"},
      {"unix://@name", "unix://@Name"},
      {"unix:///run/A.sock", "unix:///run/a.sock"},
  }));
  CAPTURE(one, other);
  CHECK(problems_of({one, other}).empty());
  CHECK(problems_of({other, one}).empty());
}

TEST_CASE("the same address in two spellings is told", "[check_listen]") {
  const auto [one, other] = GENERATE(table<std::string, std::string>({
      {"tcp://:5514", "tcp://0.0.0.0:5514"},
      {"tcp://:5514", "tcp://[::]:05514"},
      {"udp4://:514", "udp4://[::]:syslog"},
      {"tcp://127.0.0.1:80", "tcp4://127.0.0.1:http"},
      {"tcp://127.0.0.1:80", "tcp://[::ffff:127.0.0.1]:80"},
      {"tcp://[::1]:80", "tcp6://[0:0:0:0:0:0:0:1]:80"},
      {"udp://[fe80::1%eth0]:514", "udp6://[fe80:0::1%eth0]:514"},
      {"tcp://Host.example:80", "tcp://host.example:80"},
  }));
  CHECK(problems_of({one, other}) == "2: listener \"a\": listen: \"" + other +
                                         "\" is the same address as \"" + one + "\" (line 1)");
}

TEST_CASE("the same URL twice, also in another listener", "[check_listen]") {
  config::Config config = config_of({"udp://:514"});
  config.listeners.push_back(config.listeners.front());
  config.listeners.back().name = "b";
  config.listeners.back().listen.front().place.line = 8;
  CHECK(problems_of(config) ==
        "8: listener \"b\": listen: \"udp://:514\" is listed twice, first as \"udp://:514\" of "
        "listener \"a\" (line 1)");
  CHECK(
      problems_of({"unix://@x", "unix://@x"}) ==
      "2: listener \"a\": listen: \"unix://@x\" is listed twice, first as \"unix://@x\" (line 1)");
}

TEST_CASE("tcp beside tcp4 on one port says why", "[check_listen]") {
  CHECK(problems_of({"tcp://:5514", "tcp4://:5514"}) ==
        "2: listener \"a\": listen: \"tcp4://:5514\" cannot be bound beside \"tcp://:5514\" (line "
        "1): tcp://:5514 is one "
        "socket that takes IPv4 and IPv6, so IPv4 on this port is taken; drop one of the two, or "
        "write tcp4:// and "
        "tcp6:// with the addresses you want");
  CHECK(problems_of({"udp6://:514", "udp://:514"}) ==
        "2: listener \"a\": listen: \"udp://:514\" cannot be bound beside \"udp6://:514\" (line "
        "1): udp://:514 is one "
        "socket that takes IPv4 and IPv6, so IPv6 on this port is taken; drop one of the two, or "
        "write udp4:// and "
        "udp6:// with the addresses you want");
}

TEST_CASE("a wildcard takes the port of every address of its families", "[check_listen]") {
  const auto [wide, narrow] = GENERATE(table<std::string, std::string>({
      {"tcp://:5514", "tcp://127.0.0.1:5514"},
      {"tcp://:5514", "tcp6://[::1]:5514"},
      {"tcp://:5514", "tcp://host.example:5514"},
      {"tcp4://:5514", "tcp://127.0.0.1:5514"},
      {"tcp4://:5514", "tcp4://host.example:5514"},
      {"udp6://:514", "udp://[fe80::1%eth0]:514"},
      {"udp://[::]:514", "udp://192.0.2.1:514"},
  }));
  CAPTURE(wide, narrow);
  CHECK(problems_of({wide, narrow}).find("cannot be bound beside \"" + wide + "\" (line 1)") !=
        std::string::npos);
  CHECK(problems_of({narrow, wide}).find("cannot be bound beside \"" + narrow + "\" (line 1)") !=
        std::string::npos);
}

TEST_CASE("a name under tcp and tcp4 meets itself", "[check_listen]") {
  CHECK(problems_of({"tcp://localhost:5514", "tcp4://localhost:5514"}) ==
        "2: listener \"a\": listen: \"tcp4://localhost:5514\" takes addresses of the same host and "
        "port as "
        "\"tcp://localhost:5514\" (line 1)");
}

TEST_CASE("one unix path in two spellings is one file, whatever the type", "[check_listen]") {
  const SharedDir dir;
  REQUIRE(::symlink(dir.path().c_str(), (dir / "link").c_str()) == 0);
  REQUIRE(::mkdir((dir / "sub").c_str(), 0755) == 0);
  const std::string first = "unix://" + dir / "s";
  const std::string spelling = GENERATE("/./s", "//s", "/sub/../s", "/link/s");
  CHECK(problems_of({first, "unixgram://" + dir.path() + spelling}) ==
        "2: listener \"a\": listen: \"unixgram://" + dir.path() + spelling +
            "\" is the same path as \"" + first + "\" (line 1)");
}

TEST_CASE("a socket at the path of another one's lock file is told", "[check_listen]") {
  const std::string one = GENERATE("unix", "unixgram");
  const std::string other = GENERATE("unix", "unixpacket");
  CHECK(problems_of({one + "://./a", other + "://.//a.lock"}) ==
        "2: listener \"a\": listen: \"" + other + "://.//a.lock\" cannot stand beside \"" + one +
            "://./a\" (line 1): \".//a.lock\" is the lock file of \"./a\", which needs that name");
  CHECK(problems_of({one + "://./a.lock", other + "://./a"}) ==
        "2: listener \"a\": listen: \"" + other + "://./a\" cannot stand beside \"" + one +
            "://./a.lock\" (line 1): \"./a.lock\" is the lock file of \"./a\", which needs that "
            "name");
  CHECK(problems_of({"unix://./a", "unix://./b.lock", "unix://./lock", "unix://./a.lock.lock"})
            .empty());
  CHECK(problems_of({"unix://@a", "unix://@a.lock"}).empty());
}

TEST_CASE("a relative path and the absolute one are one file", "[check_listen]") {
  char here[4096];
  REQUIRE(::getcwd(here, sizeof here) != nullptr);
  CHECK(problems_of({"unix://./x.sock", "unix://" + std::string(here) + "/x.sock"})
            .find("is the same path as") != std::string::npos);
  CHECK(problems_of({"unix://./run/x.sock", "unix://" + std::string(here) + "/run/x.sock"})
            .find("is the same path as") != std::string::npos);
}

TEST_CASE("three of a kind give one problem each", "[check_listen]") {
  CHECK(problems_of({"udp://:514", "udp://:514", "udp4://:514"}).find("\n") != std::string::npos);
  CHECK(check_listen(config_of({"udp://:514", "udp://:514", "udp4://:514"})).size() == 2);
}
