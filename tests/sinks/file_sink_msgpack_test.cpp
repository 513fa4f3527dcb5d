#include <catch2/catch.hpp>
#include <filesystem>

#include "server/sinks/file_sink.h"
#include "server/sinks/msgpack_encoder.h"
#include "tests/sinks/event_batches.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace test;

namespace {

config::Sink msgpack_config(const std::string& path) {
  config::Sink config = config_for(path);
  config.encoding = config::Encoding::kMsgpack;
  return config;
}

Batch records(const std::vector<std::string>& texts) {
  return BatchBuilder().opaque(kOrigin, kA, 0, texts).take();
}

std::string packed(const std::vector<std::string>& texts) {
  return encoded(MsgpackEncoder(), records(texts));
}

}  // namespace

TEST_CASE("file sink: a torn record at the end of a file of MessagePack is cut off",
          "[sinks][file][msgpack]") {
  const TempDir dir;
  const std::string whole = packed({"whole", "too"}), next = packed({"next"});
  const std::string torn = packed({std::string(300, 't')});
  for (std::size_t size = 0; size < torn.size(); ++size) {
    CAPTURE(size);
    write_file(dir / "out", whole + torn.substr(0, size));
    FileSink sink(msgpack_config(dir / "out"));
    REQUIRE(sink.open());
    CHECK(sink.repaired() == (size == 0 ? 0 : 1));
    CHECK(sink.write(records({"next"})) == WriteStatus::kDelivered);
    REQUIRE(read_file(dir / "out") == whole + next);
  }
}

TEST_CASE("file sink: a power cut's blank end of a file of MessagePack is cut off",
          "[sinks][file][msgpack]") {
  const TempDir dir;
  const std::string whole = packed({"whole"});
  write_file(dir / "out", whole + std::string(1'000'000, '\0'));
  FileSink sink(msgpack_config(dir / "out"));
  REQUIRE(sink.open());
  CHECK(sink.repaired() == 1);
  CHECK(read_file(dir / "out") == whole);
}

TEST_CASE("file sink: a file that holds something else than MessagePack is left alone",
          "[sinks][file][msgpack]") {
  const TempDir dir;
  const std::string other = packed({"whole"}) + "a line of text\n";
  write_file(dir / "out", other);
  FileSink sink(msgpack_config(dir / "out"));
  const auto opened = sink.open();
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message == "sink \"archive\": open " + dir / "out" +
                                      ": holds something else than records of this encoding");
  CHECK(read_file(dir / "out") == other);
}

TEST_CASE("file sink: a file of MessagePack that is opened again is read from where it was closed",
          "[sinks][file][msgpack]") {
  const TempDir dir;
  struct Counting final : PassedFiles {
    std::int64_t pread(int fd, char* data, std::size_t size,
                       std::int64_t offset) noexcept override {
      ++reads;
      return PassedFiles::pread(fd, data, size, offset);
    }
    int reads = 0;
  } files;
  config::Sink config = msgpack_config(dir / "{peer}");
  config.max_open_files = 1;
  FileSink sink(config, files);
  REQUIRE(sink.open());
  for (int round = 0; round < 3; ++round) {
    for (const Peer& peer : {kA, kB}) {
      const Batch batch = BatchBuilder().opaque(kOrigin, peer, 0, {"x"}).take();
      CHECK(sink.write(batch) == WriteStatus::kDelivered);
    }
  }
  CHECK(files.reads == 0);
  CHECK(read_file(dir / "10.0.0.1") == packed({"x", "x", "x"}));
}

TEST_CASE("file sink: a torn record of MessagePack is cut off, or ended where that cannot be",
          "[sinks][file][msgpack]") {
  const TempDir dir;
  FaultyFiles files;
  const std::string first = packed({"first"}), second = packed({"second"});
  FileSink sink(msgpack_config(dir / "out"), files);
  REQUIRE(sink.open());
  const Batch batch = records({"first", "second"});
  files.space = static_cast<std::int64_t>(first.size()) + 9;
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  SECTION("the sink gives up: the file ends in whole records") {
    CHECK(flat(sink.abandon(batch)) == "1+1 ");
    CHECK(read_file(dir / "out") == first);
  }
  SECTION("it goes on within the record") {
    files.space = INT64_MAX;
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(read_file(dir / "out") == first + second);
  }
  SECTION("the file is closed and opened again") {
    sink.request_reopen();
    files.space = INT64_MAX;
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(read_file(dir / "out") == first + second);
  }
}
