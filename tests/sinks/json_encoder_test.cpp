#include "server/sinks/json_encoder.h"

#include <catch2/catch.hpp>

#include <string>

#include "server/pipeline/base64.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/json_lines.h"

using namespace penstock;
using test::BatchBuilder;
using test::json_line;

namespace {

const Origin kOrigin{"syslog", "udp://127.0.0.1:5514"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;  // 2026-11-25 02:15:18
const std::string kHead =
    R"({"time":"2026-11-25T02:15:18.123456789Z","listener":"syslog","url":"udp://127.0.0.1:5514","peer":)";

std::string encoded(const JsonEncoder& encoder, const Batch& batch) {
  EncodeBuffer buffer;
  std::string out;
  for (const Segment& segment : batch.segments) {
    std::size_t at = segment.first;
    const std::size_t last = std::size_t{segment.first} + segment.count;
    while (at < last) {
      buffer.clear();
      at = encoder.encode(batch, segment, at, last, buffer);
      REQUIRE(buffer.size() != 0);
      out.append(buffer.data(), buffer.size());
    }
  }
  return out;
}

// Of one frame, and encoded_bytes with it.
std::string line_of(const Batch& batch) {
  const JsonEncoder encoder;
  const std::string line = encoded(encoder, batch);
  CHECK(JsonEncoder().encoded_bytes(batch, batch.segments[0], 0) == line.size());
  return line;
}

std::string line_of(const Peer& peer) {
  return line_of(BatchBuilder().lines(kOrigin, peer, kTime, {"m"}).take());
}

}  // namespace

TEST_CASE("JSON encoding: one object a line, its members in the documented order",
          "[sinks][json]") {
  const Batch batch = BatchBuilder().lines(kOrigin, kPeer, kTime, {"one", "t\"wo"}).take();
  const std::string head = kHead + R"({"address":"192.0.2.1","port":40000},"flags":[],"message":")";
  CHECK(encoded(JsonEncoder(), batch) == head + "one\"}\n" + head + "t\\\"wo\"}\n");
}

TEST_CASE("JSON encoding: peers", "[sinks][json]") {
  const std::string rest = ",\"flags\":[],\"message\":\"m\"}\n";
  Peer v6{.kind = Peer::Kind::kInet6, .port = 514, .address = {0x20, 1, 0x0d, 0xb8}};
  CHECK(line_of(v6) == kHead + R"({"address":"2001:db8::","port":514})" + rest);
  v6.scope_id = 2;
  CHECK(line_of(v6) == kHead + R"({"address":"2001:db8::%2","port":514})" + rest);
  CHECK(line_of(Peer{}) == kHead + "{}" + rest);

  Peer unix_peer{.kind = Peer::Kind::kUnix, .pid = 7, .uid = 0, .gid = 4294967294};
  CHECK(line_of(unix_peer) == kHead + R"({"pid":7,"uid":0,"gid":4294967294})" + rest);
  unix_peer.pid = 0;  // of another pid namespace
  CHECK(line_of(unix_peer) == kHead + R"({"uid":0,"gid":4294967294})" + rest);
  unix_peer.pid = 4194304;
  const auto [command, shown] = GENERATE(table<std::string, std::string>({
      {"logger", "logger"},
      {"(a b) \"c\"\n", R"((a b) \"c\"\n)"},
      {"caf\xe9", "caf\xef\xbf\xbd"},
      {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
       "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
       "\xef\xbf\xbd"},
  }));
  set_command(unix_peer, command);
  CHECK(line_of(unix_peer) ==
        kHead + R"({"pid":4194304,"uid":0,"gid":4294967294,"command":")" + shown + "\"}" + rest);
}

TEST_CASE("JSON encoding: flags", "[sinks][json]") {
  const auto [flags, shown] = GENERATE(table<int, std::string>({
      {kFrameWhole, "[]"},
      {kFrameTruncated, R"(["truncated"])"},
      {kFramePartial, R"(["partial"])"},
      {kFrameTruncated | kFramePartial, R"(["truncated","partial"])"},
  }));
  Batch batch = BatchBuilder().lines(kOrigin, {}, kTime, {"m"}).take();
  batch.frames[0].flags = static_cast<std::uint8_t>(flags) & 0x7fu;
  CHECK(line_of(batch) == kHead + "{},\"flags\":" + shown + ",\"message\":\"m\"}\n");
}

TEST_CASE("JSON encoding: a record that is no UTF-8 comes twice, readable and exact",
          "[sinks][json]") {
  const std::string head = kHead + R"({},"flags":[],"message":")";
  const auto [record, shown, exact] = GENERATE(table<std::string, std::string, std::string>({
      {"caf\xe9", "caf\xef\xbf\xbd", "Y2Fm6Q=="},
      {"\xff\n", "\xef\xbf\xbd\\n", "/wo="},
      {std::string("a\0\x80", 3), "a\\u0000\xef\xbf\xbd", "YQCA"},
  }));
  CHECK(line_of(BatchBuilder().opaque(kOrigin, {}, kTime, {record}).take()) ==
        head + shown + "\",\"message_base64\":\"" + exact + "\"}\n");
}

TEST_CASE("JSON encoding: names from the configuration are escaped as well", "[sinks][json]") {
  const Origin origin{"a", "unix:///tmp/\"q\"\\\xff"};
  const std::string line = line_of(BatchBuilder().lines(origin, {}, 0, {"m"}).take());
  CHECK(line.find("\"url\":\"unix:///tmp/\\\"q\\\"\\\\\xef\xbf\xbd\",") != std::string::npos);
}

TEST_CASE("JSON encoding: what is remembered of the last segment never shows", "[sinks][json]") {
  const Origin other{"other", "tcp://[::1]:1"};
  Peer sender{.kind = Peer::Kind::kUnix, .pid = 7};
  Peer renamed = sender;
  set_command(renamed, "renamed");
  Peer port = kPeer;
  port.port = 1;
  BatchBuilder builder;
  for (const Peer& peer : {kPeer, kPeer, port, sender, renamed, sender, Peer{}, kPeer}) {
    builder.lines(kOrigin, peer, kTime, {"1"}).lines(kOrigin, peer, -1, {"2"});
    builder.lines(other, peer, -1, {"3"}).lines(kOrigin, peer, kTime, {"4"});
  }
  const Batch batch = builder.take();
  std::string fresh;
  for (const Segment& segment : batch.segments) {
    EncodeBuffer buffer;
    const std::size_t last = std::size_t{segment.first} + segment.count;
    CHECK(JsonEncoder().encode(batch, segment, segment.first, last, buffer) == last);
    fresh.append(buffer.data(), buffer.size());
  }
  CHECK(encoded(JsonEncoder(), batch) == fresh);
}

TEST_CASE("JSON encoding: the buffer fills again and again, and grows for one record alone",
          "[sinks][json]") {
  const auto size = GENERATE(std::size_t{1}, std::size_t{200}, std::size_t{40'000},
                             std::size_t{300'000}, std::size_t{1'000'000});
  const auto byte = GENERATE('x', '\x01', '\xff');
  CAPTURE(size, byte);
  const std::string record(size, byte);
  const std::size_t count = std::max<std::size_t>(3, 600'000 / size);
  const std::vector<std::string> frames(count, record);
  const Batch batch = BatchBuilder(count * (size + 1)).lines(kOrigin, kPeer, 0, frames).take();
  std::string message;
  for (std::size_t at = 0; at < size; ++at) {
    message += byte == 'x' ? "x" : byte == '\x01' ? "\\u0001" : "\xef\xbf\xbd";
  }
  if (byte == '\xff') message += "\",\"message_base64\":\"" + base64_encode(record);
  const std::string line = json_line(kOrigin, kPeer, message);

  const JsonEncoder encoder;
  CHECK(encoder.encoded_bytes(batch, batch.segments[0], 0) == line.size());
  EncodeBuffer buffer;
  for (std::size_t at = 0; at < count;) {
    buffer.clear();
    const std::size_t stopped = encoder.encode(batch, batch.segments[0], at, count, buffer);
    REQUIRE(stopped > at);
    REQUIRE(buffer.size() == (stopped - at) * line.size());
    CHECK(std::string_view(buffer.data(), line.size()) == line);
    if (stopped - at > 1) CHECK(buffer.size() <= EncodeBuffer::kUsualBytes);
    at = stopped;
  }
  buffer.clear();
  buffer.shrink();
  CHECK(buffer.room() == EncodeBuffer::kUsualBytes);
}
