#include "server/commands/top/view.h"

#include <catch2/catch.hpp>

using namespace penstock;

namespace {

constexpr const char* kStatus = R"json({
 "version":"0.1.0","host":"log1","pid":7,"uptime_seconds":11520.5,"phase":"serving","ready":false,
 "connections":{"active":3,"max":19000,"paused":2},
 "memory":{"used_bytes":134217728,"max_bytes":268435456,"pressed":true},
 "listeners":[{"name":"syslog","read_bytes":3000,"events":300,"connections":{"active":3,"paused":2},
   "kernel":{"receive_queue_bytes":131072,"accept_queue":4},"kernel_drops":9,"rejected":{"oversize":2,"malformed":1},
   "gate":{"open":false,"shut_by":["archive"]},"unknown":[1]},
  {"name":"stats","read_bytes":10,"events":1,"connections":{"active":0,"paused":0},"gate":{"open":true,"shut_by":[]}}],
 "routes":[{"listener":"syslog","sink":"archive","delivered":100,"queued":50,"lost":{"queue_full":3}},
  {"listener":"stats","sink":"archive","delivered":20,"queued":0,"lost":{}}],
 "sinks":[{"name":"archive","type":"file","failing":true,"last_error":"no space left","queue":{"open":false,"bytes":8388608,"max_bytes":8388608}}],
 "quarantine":{"entries":12,"dropped":1,"by_reason":[{"reason":"oversize","listener":"syslog","count":2},{"reason":"tail_reset","listener":"syslog","count":10}],
  "last":[{"time":"2026-11-25T12:34:56.789Z","listener":"syslog","url":"u","peer":"192.0.2.9:1","reason":"oversize","bytes":"a\\x00b","size":70000}]}})json";

constexpr const char* kSockets = R"json({"sockets":[
 {"kind":"connection","peer":"192.0.2.1:4000","listener":"syslog","url":"tcp://[::]:514","state":"ESTAB","bytes_per_second":10.0,"events_per_second":1,
  "receive_queue_bytes":64000,"idle_seconds":0.5,"paused_seconds":3.5,"paused_by":"archive"},
 {"kind":"connection","peer":"pid=9,uid=0,gid=0","command":"log\u001b[31mger","listener":"syslog","bytes_per_second":5000.5,"events_per_second":50,
  "receive_queue_bytes":1,"idle_seconds":100,"paused_seconds":null,"paused_by":null}]})json";

std::string joined(const std::vector<Line>& lines) {
  std::string text;
  for (const Line& line : lines) text += to_text(line) + '\n';
  return text;
}

Looks looks_of(const char* status) {
  Looks looks;
  looks.now = parse_sample(status).value();
  looks.peers = parse_peers(kSockets).value();
  return looks;
}

bool holds(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

}  // namespace

TEST_CASE("top: a status is read, routes are added up a sink, what is missing is nothing",
          "[top]") {
  const Sample sample = parse_sample(kStatus).value();
  REQUIRE(sample.listeners.size() == 2);
  CHECK(sample.listeners[0].rejected == 3);
  CHECK(sample.listeners[0].shut_by == std::vector<std::string>{"archive"});
  CHECK(sample.listeners[1].receive_queue_bytes == 0);
  REQUIRE(sample.sinks.size() == 1);
  CHECK(sample.sinks[0].delivered == 120);
  CHECK(sample.sinks[0].lost == 3);
  CHECK_FALSE(parse_sample("[]"));
  CHECK_FALSE(parse_sample("{"));
  CHECK(parse_sample("{}").value().listeners.empty());
  CHECK(parse_sample(R"({"listeners":7,"sinks":[3],"pid":"x","connections":[]})").has_value());
}

TEST_CASE("top: of a queue on disk the disk's fill is shown, and why it is behind", "[top]") {
  constexpr const char* kBehind =
      R"json({"sinks":[{"name":"kept","type":"relay","failing":true,"taking":true,
    "queue":{"open":true,"bytes":0,"max_bytes":8388608},
    "disk_queue":{"bytes":536870912,"max_bytes":1073741824,"delivering":false,"delivery_error":"connection refused"}}]})json";
  const std::string text = joined(view(looks_of(kBehind), {}));
  holds(text, "[||||||||||          ]");
  holds(text, "512M");
  holds(text, "behind: connec");
}

TEST_CASE("top: the screen points to the sink at which bytes wait", "[top]") {
  const std::string text = joined(view(looks_of(kStatus), {}));
  holds(text, "log1  pid 7  up 3h12m  serving  NOT READY");
  holds(text, "bytes wait at sink archive, it cannot write: 2 paused, 128K in Recv-Q");
  holds(text, "shut: archive");
  holds(text, "[||||||||||||||||||||]");
  holds(text, "fails: no spac");
  holds(text, "quarantine 12 kept  1 dropped  tail_reset 10  oversize 2");
  holds(text, "  12:34:56 oversize     syslog   192.0.2.9:1              68K a\\x00b");
  holds(text, "3.5s archive");
}

TEST_CASE("top: rates are between two looks, and none runs backwards", "[top]") {
  Looks looks = looks_of(kStatus);
  looks.before = looks.now;
  looks.before->listeners[0].read_bytes = 1000;
  looks.before->listeners[0].events = 100;
  looks.before->listeners[1].events = 1'000'000;
  looks.seconds = 2;
  const std::string text = joined(view(looks, {}));
  holds(text, "syslog         1.0K    100     3     2   128K     4      9      3");
  holds(text, "stats             0      0     0     0      0     0      0      0  open");
}

TEST_CASE("top: no line is longer than the terminal, no control byte of a peer reaches it",
          "[top]") {
  Looks looks = looks_of(kStatus);
  looks.now.listeners[0].name = std::string(300, 'n');
  looks.now.sinks[0].last_error = "\x1b]0;title\x07";
  const std::size_t columns = GENERATE(1u, 20u, 80u, 200u);
  for (const Line& line : view(looks, {.columns = columns, .lines = 0})) {
    const std::string text = to_text(line);
    CHECK(text.size() <= columns);
    for (const char c : text) CHECK((c >= ' ' && c <= '~'));
  }
  CHECK(view(looks, {.lines = 3}).size() == 3);
}

TEST_CASE("top: peers are sorted, filtered and scrolled", "[top]") {
  const Looks looks = looks_of(kStatus);
  const auto at = [&](const ViewOptions& options, const std::string& who) {
    return joined(view(looks, options)).find(who);
  };
  const std::string inet = "192.0.2.1:4000", unix_peer = "log?[31mger pid";
  CHECK(at({.lines = 0}, unix_peer) < at({.lines = 0}, inet));
  CHECK(at({.lines = 0, .sort = PeerSort::kReceiveQueue}, inet) <
        at({.lines = 0, .sort = PeerSort::kReceiveQueue}, unix_peer));
  CHECK(at({.lines = 0, .filter = "192.0"}, unix_peer) == std::string::npos);
  CHECK(at({.lines = 0, .filter = "192.0"}, inet) != std::string::npos);
  CHECK(at({.lines = 0, .first_peer = 1}, unix_peer) == std::string::npos);
  CHECK(at({.lines = 0, .first_peer = 99}, inet) != std::string::npos);
}

TEST_CASE("top: memory that is missing is told where no sink stands still", "[top]") {
  Sample sample = parse_sample(kStatus).value();
  sample.sinks[0].failing = false;
  CHECK(to_text(waiting_sentence(sample))
            .starts_with("bytes wait at sink archive, it does not take its data"));
  sample.sinks[0].queue_open = true;
  CHECK(to_text(waiting_sentence(sample)).starts_with("bytes wait at listener syslog for memory"));
  sample.listeners.clear();
  CHECK(to_text(waiting_sentence(sample)).starts_with("memory is more than half used"));
  sample.memory_pressed = false;
  CHECK(to_text(waiting_sentence(sample)) == "nothing waits");
}
