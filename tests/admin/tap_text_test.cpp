#include "server/admin/tap_text.h"

#include <catch2/catch.hpp>

#include "tests/sinks/batches.h"

using namespace penstock;
using test::BatchBuilder;

namespace {

const Origin kOrigin{"syslog", "udp://127.0.0.1:5514"};
constexpr std::int64_t kTime = 1'795'572'918'123'956'789;  // 2026-11-25 02:15:18
const std::string kHead = "2026-11-25T02:15:18.123Z 192.0.2.1:40000 ";

std::string text_of(const std::string& record, unsigned flags = 0) {
  Batch batch = BatchBuilder(record.size() + 100)
                    .opaque(kOrigin, test::inet_peer(192, 0, 2, 1), kTime, {record})
                    .take();
  batch.frames[0].flags = flags & 0x7fu;
  std::string out;
  admin::append_text(out, batch, batch.segments[0], batch.frames[0]);
  return out;
}

}  // namespace

TEST_CASE("tap text: time, peer, flags where there are any, message", "[tap]") {
  CHECK(text_of("hello world") == kHead + "hello world\n");
  CHECK(text_of("") == kHead + "\n");
  CHECK(text_of("cut", kFrameTruncated) == kHead + "[truncated] cut\n");
  CHECK(text_of("end", kFramePartial) == kHead + "[partial] end\n");
  CHECK(text_of("x", kFrameTruncated | kFramePartial) == kHead + "[truncated,partial] x\n");
}

TEST_CASE("tap text: nothing that a terminal obeys", "[tap]") {
  CHECK(text_of(std::string("\x1b[2J\a\0\n\x7f", 8)) == kHead + "\\x1b[2J\\x07\\x00\\n\\x7f\n");
  CHECK(text_of("\xc2\x9b"
                "31m \xe2\x80\xae \xff") == kHead + "\\xc2\\x9b31m \\xe2\\x80\\xae \\xff\n");
  CHECK(text_of("gr\xc3\xbc\xc3\x9f") == kHead + "gr\xc3\xbc\xc3\x9f\n");
}

TEST_CASE("tap text: of a long message the front, and how long it is", "[tap]") {
  CHECK(text_of(std::string(admin::kMostShownBytes, 'x')) ==
        kHead + std::string(admin::kMostShownBytes, 'x') + "\n");
  CHECK(text_of(std::string(1'000'000, 'x')) ==
        kHead + std::string(admin::kMostShownBytes, 'x') + "... (1000000 bytes)\n");
}

TEST_CASE("tap text: unix peers with their command", "[tap]") {
  Peer peer{.kind = Peer::Kind::kUnix, .pid = 7, .uid = 1, .gid = 2};
  CHECK(admin::peer_text(peer) == "pid=7,uid=1,gid=2");
  set_command(peer,
              "a\x1b"
              "b");
  CHECK(admin::peer_text(peer) == "pid=7,uid=1,gid=2,command=a\\x1bb");
}
