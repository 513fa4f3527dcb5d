#include "server/admin/socket_table.h"

#include <rapidjson/document.h>

#include <catch2/catch.hpp>

using namespace penstock;
using namespace penstock::admin;

namespace {

const Origin kOrigin{"in", "tcp://[::]:1\xff"};

SocketRow row(SocketRow::Kind kind, std::uint64_t cookie) {
  SocketRow made;
  made.kind = kind;
  made.origin = &kOrigin;
  made.cookie = cookie;
  return made;
}

rapidjson::Document document_of(const std::vector<SocketLine>& lines) {
  rapidjson::Document document;
  const std::string text =
      to_json({.time_ns = 0, .took_ms = 1.5, .total = 9, .incomplete = true}, lines);
  document.Parse(text.c_str());
  REQUIRE_FALSE(document.HasParseError());
  return document;
}

}  // namespace

TEST_CASE("both sides are joined by cookie; what the kernel does not know is null",
          "[admin][sockets]") {
  Endpoint endpoint{&kOrigin, Scheme::kUnix, {}, 1};
  KernelSockets kernel({endpoint});
  kernel.begin();
  kernel::UnixSocket listening;
  listening.name.file_inode = 4;
  listening.cookie = 1;
  listening.state = 10;
  listening.receive_queue = 3;
  listening.send_queue = 128;
  kernel.add(listening);
  kernel::UnixSocket connection = listening;
  connection.cookie = 2;
  connection.state = 1;
  connection.receive_queue = 70;
  connection.send_queue = 5;
  connection.drops = 2;
  kernel.add(connection);
  kernel.finish();

  std::vector<SocketRow> rows = {row(SocketRow::Kind::kListening, 1),
                                 row(SocketRow::Kind::kConnection, 2),
                                 row(SocketRow::Kind::kConnection, 3)};
  rows[1].paused = std::chrono::milliseconds(2500);
  rows[1].paused_by = "archive";
  rows[1].read_bytes = 12;
  rows[1].peer = {.kind = Peer::Kind::kUnix, .pid = 7};
  auto lines = join(rows, kernel);
  lines[1].command = "a\"\xfe";
  const auto document = document_of(lines);
  CHECK(document["total"].GetUint64() == 9);
  CHECK(document["incomplete"].GetBool());
  const auto& sockets = document["sockets"];
  REQUIRE(sockets.Size() == 3);
  CHECK(std::string(sockets[0]["kind"].GetString()) == "listening");
  CHECK(std::string(sockets[0]["state"].GetString()) == "LISTEN");
  CHECK(sockets[0]["accept_queue"].GetUint64() == 3);
  CHECK(sockets[0]["backlog"].GetUint64() == 128);
  CHECK(sockets[0]["receive_queue_bytes"].GetUint64() == 0);
  CHECK(std::string(sockets[0]["peer"].GetString()).empty());
  CHECK(sockets[1]["receive_queue_bytes"].GetUint64() == 70);
  CHECK(sockets[1]["send_queue_bytes"].GetUint64() == 5);
  CHECK(sockets[1]["accept_queue"].GetUint64() == 0);
  CHECK(sockets[1]["kernel_drops"].GetUint64() == 2);
  CHECK(sockets[1]["read_bytes"].GetUint64() == 12);
  CHECK(sockets[1]["paused_seconds"].GetDouble() == 2.5);
  CHECK(std::string(sockets[1]["paused_by"].GetString()) == "archive");
  CHECK(std::string(sockets[1]["command"].GetString()) == "a\"\xEF\xBF\xBD");
  CHECK(std::string(sockets[1]["url"].GetString()) == "tcp://[::]:1\xEF\xBF\xBD");
  CHECK(sockets[2]["state"].IsNull());
  CHECK(sockets[2]["receive_queue_bytes"].IsNull());
  CHECK(sockets[2]["paused_seconds"].IsNull());
  CHECK(sockets[2]["paused_by"].IsNull());
}
