#include "server/commands/sockets_table.h"

#include <catch2/catch.hpp>

using namespace penstock;

namespace {

/// Of two members with one name the first counts.
std::string socket(const std::string& members) {
  return '{' + members + (members.empty() ? "" : ",") +
         R"("kind":"connection","state":"ESTAB","url":"tcp://[::]:5514","peer":"192.0.2.1:4000","phase":"serving",
      "receive_queue_bytes":2048,"send_queue_bytes":0,"kernel_drops":0,"bytes_per_second":1500000.0,"age_seconds":75.0,
      "idle_seconds":0.25,"paused_seconds":null,"paused_by":null})";
}

std::string document(const std::vector<std::string>& sockets, const std::string& more = {}) {
  std::string text = R"({"total":)" + std::to_string(sockets.size()) + more + R"(,"sockets":[)";
  for (const std::string& one : sockets) text += (text.back() == '[' ? "" : ",") + one;
  return text + "]}";
}

std::vector<std::string> table_of(const std::string& json, std::size_t columns = 100) {
  const auto lines = sockets_table(json, columns);
  REQUIRE(lines);
  return *lines;
}

}  // namespace

TEST_CASE("sockets as a table: units, queues of listening ones, drops, and why one is paused",
          "[commands][sockets]") {
  const std::string listening =
      R"({"kind":"listening","state":"LISTEN","url":"tcp://[::]:5514","peer":"","phase":"serving",
          "accept_queue":3,"backlog":4096,"receive_queue_bytes":0,"send_queue_bytes":0,"kernel_drops":12,
          "age_seconds":75.0,"idle_seconds":1.0,"paused_seconds":null})";
  const std::string paused =
      R"({"kind":"connection","state":"ESTAB","url":"unix:///s","peer":"pid=7,uid=0,gid=0",
          "command":"logger","phase":"paused","receive_queue_bytes":200000,"send_queue_bytes":0,"kernel_drops":0,
          "bytes_per_second":0,"age_seconds":75,"idle_seconds":3,"paused_seconds":3.2,"paused_by":"archive"})";
  const std::string gone =
      R"({"kind":"connection","state":null,"url":"unix:///s","peer":"pid=7,uid=0,gid=0","phase":"frozen",
          "receive_queue_bytes":null,"age_seconds":1,"idle_seconds":1})";
  CHECK(table_of(document({listening, socket(""), paused, gone})) ==
        std::vector<std::string>{
            "STATE  RECV-Q SEND-Q DROPS URL             PEER              RATE/S  AGE IDLE PAUSED",
            "LISTEN      3   4096    12 tcp://[::]:5514 -                      -  75s 1.0s -",
            "ESTAB    2.0K      0     0 tcp://[::]:5514 192.0.2.1:4000      1.4M  75s 0.2s -",
            "ESTAB    195K      0     0 unix:///s       logger[7]              0  75s 3.0s 3.2s "
            "archive",
            "-           -      -     - unix:///s       pid=7,uid=0,gid=0      - 1.0s 1.0s frozen",
            "4 sockets"});
}

TEST_CASE("no line is longer than the screen; URLs keep their end, peers their beginning",
          "[commands][sockets]") {
  const std::string wide =
      socket(R"("url":"unix:///run/a/very/long/path/that/goes/on/and/on/until/the/end.sock",
      "peer":"[2001:db8:1111:2222:3333:4444:5555:6666%eth0]:65535","command":"","paused_seconds":999999,
      "paused_by":"a-sink-with-quite-a-name")");
  for (const std::size_t columns : {80u, 100u, 120u}) {
    const auto lines = table_of(document({wide}), columns);
    for (const std::string& line : lines) CHECK(line.size() <= columns);
    CHECK_THAT(lines[1], Catch::Contains("end.sock ") && Catch::Contains(" [2001:db8"));
  }
}

TEST_CASE("how many there are, and that some are missing", "[commands][sockets]") {
  CHECK(table_of(document({})).back() == "0 sockets");
  CHECK(table_of(document({socket("")})).back() == "1 socket");
  CHECK(table_of(R"({"total":10001,"sockets":[)" + socket("") + "]}").back() ==
        "1 of 10001 sockets");
  CHECK_THAT(table_of(document({}, R"(,"incomplete":true)")).back(),
             Catch::Contains("not all of them"));
}

TEST_CASE("what a terminal might obey is escaped; what is no document is refused",
          "[commands][sockets]") {
  const auto lines = table_of(document({socket(R"("command":"\u001b[2Jx")")}));
  CHECK(lines[1].find('\x1b') == std::string::npos);
  CHECK_FALSE(sockets_table("", 100));
  CHECK_FALSE(sockets_table("[]", 100));
  CHECK_FALSE(sockets_table(R"({"sockets":7})", 100));
}

TEST_CASE("columns are sorted by name, numbers from the largest", "[commands][sockets]") {
  const auto [name, field, largest] = GENERATE(table<std::string, std::string, bool>({
      {"recv-q", "receive_queue_bytes", true},
      {"RECV-Q", "receive_queue_bytes", true},
      {"rate", "bytes_per_second", true},
      {"paused", "paused_seconds", true},
      {"url", "url", false},
      {"state", "state", false},
      {"held_bytes", "held_bytes", true},
  }));
  CHECK(sort_field(name) == field);
  CHECK(is_largest_first(field) == largest);
}
