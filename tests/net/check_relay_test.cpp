#include "server/net/check_relay.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

using namespace penstock;

namespace {

/// A sink `out` with these receivers, which takes the records of a listener `in` at `listen`.
std::string problems_of(const std::vector<std::string>& to,
                        const std::string& listen = "unix:///run/in.sock",
                        config::RelayProtocol protocol = config::RelayProtocol::kRaw) {
  config::Config config;
  config.listeners.push_back({.name = "in", .listen = {{listen, {}}}, .sinks = {"out"}});
  config::Sink sink{.name = "out", .type = config::SinkType::kRelay};
  sink.relay.protocol = protocol;
  for (const std::string& url : to)
    sink.relay.to.push_back({url, {static_cast<std::uint32_t>(sink.relay.to.size() + 1), 6}});
  config.sinks.push_back(sink);
  std::string all;
  for (const config::Problem& problem : check_relay(config))
    all += (all.empty() ? "" : "\n") + std::to_string(problem.place.line) + ": " + problem.text;
  return all;
}

}  // namespace

TEST_CASE("check_relay: receivers of one kind, with a port", "[relay]") {
  const auto [to, problem] = GENERATE(table<std::vector<std::string>, std::string>({
      {{"tcp://a:1", "tcp4://b:1", "unix:///x"}, ""},
      {{"udp://a:1", "unixgram:///x", "unixpacket://@y"}, ""},
      {{"tcp://a:0"}, "1: sink \"out\": to: \"tcp://a:0\": a port to send to is needed"},
      {{"udp://a:1", "tcp://a:1"},
       "2: sink \"out\": to: \"tcp://a:1\": streams (tcp, unix) and messages (udp, unixgram, "
       "unixpacket) do not go together in one sink, expected one kind"},
  }));
  CHECK(problems_of(to) == problem);
  CHECK(problems_of({"tpc://a:1"}).starts_with("1: sink \"out\": to: \"tpc://a:1\": "));
}

TEST_CASE("check_relay: Forward protocol is for streams", "[relay]") {
  const auto protocol = config::RelayProtocol::kForward;
  CHECK(problems_of({"tcp://a:1", "unix:///x"}, "unix:///y", protocol).empty());
  CHECK(problems_of({"tcp://a:1", "udp://a:1"}, "unix:///y", protocol) ==
        "2: sink \"out\": to: \"udp://a:1\": protocol = \"forward\" is spoken over streams, "
        "expected a tcp "
        "or unix URL");
}

TEST_CASE("check_relay: records do not go in a circle", "[relay]") {
  const auto [to, listen, circle] = GENERATE(table<std::string, std::string, bool>({
      {"tcp://127.0.0.1:5514", "tcp://:5514", true},
      {"tcp://localhost:5514", "tcp4://127.0.0.1:5514", true},
      {"udp://10.0.0.1:5514", "udp://10.0.0.1:5514", true},
      {"unix:///run/a", "unix:///run/a", true},
      {"tcp://127.0.0.1:5515", "tcp://:5514", false},
      {"udp://127.0.0.1:5514", "tcp://:5514", false},
      {"tcp://collector:5514", "tcp://:5514", false},
      {"unixgram:///run/a", "unix:///run/a", false},
  }));
  CAPTURE(to, listen);
  CHECK((problems_of({to}, listen) != "") == circle);
}
