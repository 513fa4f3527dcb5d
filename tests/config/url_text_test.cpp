#include "server/config/url_text.h"

#include <catch2/catch.hpp>

#include "tests/config/load_texts.h"

using penstock::config::asks_any_port;
using penstock::test::config_of;
using penstock::test::problems_of;
using Lines = std::vector<std::string>;

TEST_CASE("any port is asked for by 0 in every spelling, by an empty port and by an empty address",
          "[config]") {
  const auto url =
      GENERATE(as<std::string>{}, "tcp://127.0.0.1:0", "tcp://:0", "tcp4://:00", "udp6://[::1]:0",
               "udp://[fe80::1%eth0]:000", "tcp://localhost:", "tcp6://[::]:", "udp4://:", "tcp://",
               "udp6://", "tcp://:+0", "udp://:-0", "tcp://:+");
  CAPTURE(url);
  CHECK(asks_any_port(url));
}

TEST_CASE("a port, a missing port, a path and a text that is no URL ask for no port", "[config]") {
  const auto url =
      GENERATE(as<std::string>{}, "tcp://:5514", "tcp://:10", "tcp://:01", "tcp://:0x0",
               "udp://:syslog", "tcp://127.0.0.1", "tcp6://[::]", "udp6://[::1]", "tcp://: 0",
               "unix:///run/a:0", "unixgram://./a:", "unixpacket://@a:0", "unix://", "TCP://:0",
               "sctp://:0", ":0", "tcp:127.0.0.1:0", "");
  CAPTURE(url);
  CHECK_FALSE(asks_any_port(url));
}

TEST_CASE("a URL that asks for any port may come as often as it likes", "[config]") {
  const auto url =
      GENERATE(as<std::string>{}, "tcp://127.0.0.1:0", "udp4://:00", "tcp6://[::1]:", "udp://");
  CAPTURE(url);
  const std::string shown = '"' + url + '"';
  const std::string text = "[[listener]]\nname = \"a\"\nlisten = [" + shown + ", " + shown +
                           "]\n[[listener]]\nname = \"b\"\nlisten = " + shown +
                           "\n[[listener]]\nname = \"c\"\nlisten = [" + shown + "]\n" +
                           penstock::test::kSink;
  CHECK(problems_of(text) == Lines{});
  const auto config = config_of(text);
  REQUIRE(config.listeners.size() == 3);
  CHECK(config.listeners[0].listen.size() == 2);
  CHECK(config.listeners[1].listen.size() == 1);
  CHECK(config.listeners[2].listen.size() == 1);
}

TEST_CASE("a path that ends like a port is taken once", "[config]") {
  const std::string url = "\"unix://./a:0\"";
  CHECK(problems_of("[[listener]]\nname = \"a\"\nlisten = [" + url + ", " + url +
                    "]\n[[listener]]\nname = \"b\"\nlisten = " + url + "\n" +
                    penstock::test::kSink) ==
        Lines{"t.toml:3:27: listener \"a\": listen: \"unix://./a:0\" is listed twice",
              "t.toml:6:10: listener \"b\": listen: \"unix://./a:0\" is taken already by "
              "listener \"a\" in line 3"});
}
