#include "server/admin/socket_query.h"

#include <catch2/catch.hpp>

using namespace penstock;
using namespace penstock::admin;

namespace {

const Origin kA{"alpha", "tcp://[::]:1"};
const Origin kB{"beta", "unix:///b"};

SocketLine line(SocketRow::Kind kind, const Origin& origin, ConnectionId id, std::uint32_t receive,
                double rate, std::string peer) {
  SocketLine made;
  made.own.kind = kind;
  made.own.origin = &origin;
  made.own.id = id;
  made.own.rates.bytes = rate;
  made.peer = std::move(peer);
  made.kernel.emplace();
  made.kernel->state = kind == SocketRow::Kind::kListening ? 10 : 1;
  made.kernel->receive_queue = receive;
  return made;
}

constexpr ConnectionId kFirst = std::uint64_t{1} << 32;

std::vector<SocketLine> some() {
  using Kind = SocketRow::Kind;
  std::vector<SocketLine> lines;
  lines.push_back(line(Kind::kConnection, kB, kFirst | 3, 50, 10, "pid=7,uid=0,gid=0"));
  lines.push_back(line(Kind::kConnection, kA, kFirst | 2, 500, 0, "192.0.2.1:4000"));
  lines.push_back(line(Kind::kConnection, kA, kFirst | 1, 0, 300, "192.0.2.2:4000"));
  lines.push_back(line(Kind::kListening, kA, 0, 9, 0, ""));
  lines[0].command = "logger";
  lines[1].own.paused = std::chrono::milliseconds(1500);
  lines[1].own.paused_by = "archive";
  return lines;
}

/// The peers that are left, in their order; `LISTEN` for the listening one.
std::string shown(const std::map<std::string, std::string>& parameters, std::size_t total) {
  const auto query = SocketQuery::parse(parameters);
  REQUIRE(query);
  auto lines = some();
  CHECK(select(lines, *query) == total);
  std::string text;
  for (const SocketLine& one : lines)
    text += (text.empty() ? "" : " ") + (one.peer.empty() ? "LISTEN" : one.peer.substr(0, 9));
  return text;
}

}  // namespace

TEST_CASE("sockets in order: listening first, then by listener; or by a field, either way",
          "[admin][sockets]") {
  const auto [sort, expected] = GENERATE(table<std::string, std::string>({
      {"kind", "192.0.2.2 192.0.2.1 pid=7,uid LISTEN"},
      {"receive_queue_bytes", "LISTEN 192.0.2.2 pid=7,uid 192.0.2.1"},
      {"-receive_queue_bytes", "192.0.2.1 pid=7,uid LISTEN 192.0.2.2"},
      {"-bytes_per_second", "192.0.2.2 pid=7,uid LISTEN 192.0.2.1"},
      {"-accept_queue", "LISTEN 192.0.2.2 192.0.2.1 pid=7,uid"},
      {"peer", "LISTEN 192.0.2.1 192.0.2.2 pid=7,uid"},
      {"-paused_seconds", "192.0.2.1 LISTEN 192.0.2.2 pid=7,uid"},
  }));
  CAPTURE(sort);
  CHECK(shown({{"sort", sort}}, 4) == expected);
  CHECK(shown({}, 4) == "LISTEN 192.0.2.2 192.0.2.1 pid=7,uid");
}

TEST_CASE(
    "sockets are left out by listener, peer, command, state, kind and pause; the limit does not "
    "change the total",
    "[admin][sockets]") {
  CHECK(shown({{"listener", "beta"}}, 1) == "pid=7,uid");
  CHECK(shown({{"listener", "bet"}}, 0).empty());
  CHECK(shown({{"peer", "192.0.2."}}, 2) == "192.0.2.2 192.0.2.1");
  CHECK(shown({{"peer", "logg"}}, 1) == "pid=7,uid");
  CHECK(shown({{"state", "LISTEN"}}, 1) == "LISTEN");
  CHECK(shown({{"kind", "connection"}, {"listener", "alpha"}}, 2) == "192.0.2.2 192.0.2.1");
  CHECK(shown({{"paused", "1"}}, 1) == "192.0.2.1");
  CHECK(shown({{"paused", "0"}}, 4) == shown({}, 4));
  CHECK(shown({{"limit", "1"}, {"sort", "-receive_queue_bytes"}}, 4) == "192.0.2.1");
  CHECK(shown({{"limit", "0"}}, 4).empty());
}

TEST_CASE("a wrong parameter is said, and what would be right", "[admin][sockets]") {
  const auto [name, value, expected] = GENERATE(table<std::string, std::string, std::string>({
      {"sort", "size", "sort: expected one of kind, listener"},
      {"sort", "", "sort: expected one of"},
      {"limit", "", "limit: expected a number"},
      {"limit", "10x", "limit: expected a number"},
      {"limit", "-1", "limit: expected a number"},
      {"kind", "tcp", "kind: expected listening, connection or datagram"},
      {"paused", "yes", "paused: expected 0 or 1"},
      {"limits", "1", "unknown parameter, expected sort, limit"},
  }));
  CAPTURE(name, value);
  const auto query = SocketQuery::parse({{name, value}});
  REQUIRE_FALSE(query);
  CHECK_THAT(query.error().message, Catch::StartsWith(expected));
}

TEST_CASE("ids name loop and place, and which connection there", "[admin][sockets]") {
  CHECK(id_text(0).empty());
  CHECK(id_text(kFirst | 17) == "0-17");
  CHECK(id_text(kFirst * 3 | std::uint64_t{2} << 24 | 5) == "2-5.3");
}
