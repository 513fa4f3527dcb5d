#include "server/sinks/file_sink.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <filesystem>

#include "server/sinks/make.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kTime = 1'700'000'009 * kSecond;  // 2023-11-14 22:13:29 UTC
const Origin kOne{"one", "tcp://127.0.0.1:1"};
const Origin kTwo{"two", "udp://127.0.0.1:2"};

}  // namespace

TEST_CASE("file sink: batches are appended in order, behind what is there", "[sinks][file]") {
  const TempDir dir;
  write_file(dir / "out.log", "before\n");
  FileSink sink(config_for(dir / "out.log"));
  REQUIRE(sink.open());
  CHECK(sink.write(BatchBuilder()
                       .lines(kOne, {}, kTime, {"a", "b"})
                       .opaque(kTwo, {}, kTime, {"c\nd"})
                       .take()) == WriteStatus::kDelivered);
  CHECK(sink.write(BatchBuilder().lines(kOne, {}, kTime, {"e"}).take()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out.log") == "before\na\nb\nc\\nd\ne\n");
  CHECK(sink.close());
  CHECK(sink.repaired() == 0);
}

TEST_CASE("file sink: an empty batch is delivered", "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "{peer}.log"));
  REQUIRE(sink.open());
  CHECK(sink.write(BatchBuilder().take()) == WriteStatus::kDelivered);
  CHECK(sink.write(BatchBuilder().lines(kOne, {}, kTime, {}).take()) == WriteStatus::kDelivered);
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("file sink: segments are grouped by path wherever they stand in the batch",
          "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "{listener}/{peer}.log"));
  REQUIRE(sink.open());
  const Peer a = inet_peer(192, 0, 2, 1), b = inet_peer(192, 0, 2, 2);
  BatchBuilder builder;
  builder.lines(kOne, a, kTime, {"1"}).lines(kOne, b, kTime, {"2"}).lines(kTwo, a, kTime, {"3"});
  builder.lines(kOne, a, kTime, {"4"}).opaque(kOne, b, kTime, {"5"});
  CHECK(sink.write(builder.take()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "one/192.0.2.1.log") == "1\n4\n");
  CHECK(read_file(dir / "one/192.0.2.2.log") == "2\n5\n");
  CHECK(read_file(dir / "two/192.0.2.1.log") == "3\n");
}

TEST_CASE("file sink: the port of a peer makes no second file, uid and address family do",
          "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "{peer}"));
  REQUIRE(sink.open());
  Peer other_port = inet_peer(10, 0, 0, 1);
  other_port.port = 9;
  Peer v6{.kind = Peer::Kind::kInet6, .address = {0x0a, 0, 0, 1}};
  BatchBuilder builder;
  builder.lines(kOne, inet_peer(10, 0, 0, 1), kTime, {"1"}).lines(kOne, other_port, kTime, {"2"});
  builder.lines(kOne, v6, kTime, {"3"})
      .lines(kOne, {.kind = Peer::Kind::kUnix, .uid = 7}, kTime, {"4"});
  builder.lines(kOne, {.kind = Peer::Kind::kUnix, .pid = 3, .uid = 7}, kTime, {"5"})
      .lines(kOne, {}, kTime, {"6"});
  CHECK(sink.write(builder.take()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == "1\n2\n");
  CHECK(read_file(dir / "a00:1::") == "3\n");
  CHECK(read_file(dir / "uid-7") == "4\n5\n");
  CHECK(read_file(dir / "unknown") == "6\n");
}

TEST_CASE("file sink: the receive time of each segment chooses the file, forwards and back",
          "[sinks][file]") {
  const TempDir dir;
  FileSink sink(config_for(dir / "%H-%M-%S.log"));
  REQUIRE(sink.open());
  BatchBuilder builder;
  builder.lines(kOne, {}, kTime, {"a"}).lines(kOne, {}, kTime + kSecond, {"b"});
  builder.lines(kOne, {}, kTime + kSecond - 10, {"c"}).lines(kOne, {}, kTime + kSecond, {"d"});
  CHECK(sink.write(builder.take()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "22-13-29.log") == "a\nc\n");
  CHECK(read_file(dir / "22-13-30.log") == "b\nd\n");
}

TEST_CASE("file sink: a path that ends up the same is one file", "[sinks][file]") {
  const TempDir dir;
  const Origin again{"one", "udp://127.0.0.1:99"};
  FileSink sink(config_for(dir / "{listener}.log"));
  REQUIRE(sink.open());
  const Batch batch =
      BatchBuilder().lines(kOne, {}, kTime, {"a"}).lines(again, {}, kTime, {"b"}).take();
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "one.log") == "a\nb\n");
}

TEST_CASE("file sink: hostile names stay inside the base directory", "[sinks][file]") {
  const TempDir dir;
  const Origin evil{"../../x/..", "unix:///../../etc/passwd"};
  FileSink sink(config_for(dir / "base/{listener}/{url}.log"));
  REQUIRE(sink.open());
  CHECK(sink.write(BatchBuilder().lines(evil, {}, kTime, {"a"}).take()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "base/%2E.%2F..%2Fx%2F../unix:%2F%2F%2F..%2F..%2Fetc%2Fpasswd.log") ==
        "a\n");
}

TEST_CASE("file sink: files are 0640 and directories 0750 less the umask", "[sinks][file]") {
  const TempDir dir;
  const mode_t before = umask(0);
  FileSink sink(config_for(dir / "a/b/out.log"));
  REQUIRE(sink.open());
  umask(before);
  CHECK(mode_of(dir / "a/b/out.log") == 0640);
  CHECK(mode_of(dir / "a") == 0750);
}

TEST_CASE("make_sink: builds each type", "[sinks]") {
  const TempDir dir;
  const auto file = make_sink(config_for(dir / "x.log"));
  const auto out = make_sink({.name = "out", .type = config::SinkType::kStdout});
  const auto hole = make_sink({.name = "hole", .type = config::SinkType::kBlackhole});
  CHECK(dynamic_cast<FileSink*>(file.get()) != nullptr);
  REQUIRE(hole->open());
  CHECK(hole->write(BatchBuilder().lines(kOne, {}, kTime, {"a"}).take()) ==
        WriteStatus::kDelivered);
  CHECK(hole->close());
  CHECK(out != nullptr);
}
