// The file sink with `encoding = "json"`: what raw records go through, once more with lines that are longer than they.
#include <catch2/catch.hpp>

#include <algorithm>

#include "server/sinks/file_sink.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/sinks/json_lines.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

config::Sink json_config(const std::string& path, config::Sync sync = config::Sync::kNever) {
  config::Sink config = config_for(path, sync);
  config.encoding = config::Encoding::kJson;
  return config;
}

Batch four_records() {
  BatchBuilder builder;
  builder.lines(kOrigin, kA, 0, {"x", "l\"ine"}).opaque(kOrigin, kB, 0, {"op\naque\xff"}).gap("\n");
  return builder.lines(kOrigin, kA, 0, {"end"}).take();
}

const std::vector<std::string> kFour = {
    json_line(kOrigin, kA, "x"), json_line(kOrigin, kA, "l\\\"ine"),
    json_line(kOrigin, kB, "op\\naque\xef\xbf\xbd\",\"message_base64\":\"b3AKYXF1Zf8="),
    json_line(kOrigin, kA, "end")};
const std::string kAll = kFour[0] + kFour[1] + kFour[2] + kFour[3];
constexpr std::size_t kStep = 3;  // lines are long, and each try makes a file

}  // namespace

TEST_CASE("file sink, JSON: a disk that fills anywhere loses, tears and doubles nothing",
          "[sinks][faults][json]") {
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kAlways);
  const TempDir dir;
  for (std::size_t space = 0; space < kAll.size() + kStep; space += kStep) {
    CAPTURE(space, sync);
    FaultyFiles files;
    const std::string path = dir / std::to_string(space);
    FileSink sink(json_config(path, sync), files);
    REQUIRE(sink.open());
    files.space = static_cast<std::int64_t>(space);
    const Batch batch = four_records();
    WriteStatus status = sink.write(batch);
    CHECK((status == WriteStatus::kDelivered) == (space >= kAll.size()));
    CHECK(read_file(path) == kAll.substr(0, space));
    files.space = INT64_MAX;
    if (status == WriteStatus::kRetry) status = sink.write(batch);
    CHECK(status == WriteStatus::kDelivered);
    CHECK(read_file(path) == kAll);
  }
}

TEST_CASE("file sink, JSON: giving up anywhere leaves whole lines and names the rest",
          "[sinks][faults][json]") {
  const TempDir dir;
  for (std::size_t space = 0; space < kAll.size(); space += kStep) {
    CAPTURE(space);
    FaultyFiles files;
    const std::string path = dir / std::to_string(space);
    FileSink sink(json_config(path), files);
    REQUIRE(sink.open());
    files.space = static_cast<std::int64_t>(space);
    const Batch batch = four_records();
    REQUIRE(sink.write(batch) == WriteStatus::kRetry);
    const auto left = sink.abandon(batch);
    const std::string written = kAll.substr(0, space);
    const auto records = static_cast<std::size_t>(std::count(written.begin(), written.end(), '\n'));
    CHECK(read_file(path) == kAll.substr(0, written.rfind('\n') + 1));  // npos + 1 is 0
    CHECK(flat(left) == std::to_string(records) + '+' + std::to_string(4 - records) + ' ');
  }
}

TEST_CASE("file sink, JSON: short writes and EINTR are gone on from", "[sinks][faults][json]") {
  const TempDir dir;
  FaultyFiles files;
  files.most_at_once = 7;
  files.interrupted_writes = 5;
  FileSink sink(json_config(dir / "{peer}"), files);
  REQUIRE(sink.open());
  CHECK(sink.write(four_records()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "10.0.0.1") == kFour[0] + kFour[1] + kFour[3]);
  CHECK(read_file(dir / "10.0.0.2") == kFour[2]);
}

TEST_CASE("file sink, JSON: a record of 16 MiB that becomes six times as long",
          "[sinks][faults][json]") {
  const TempDir dir;
  FaultyFiles files;
  FileSink sink(json_config(dir / "out"), files);
  REQUIRE(sink.open());
  const std::string record(kMaxFrameBytes, '\x02');
  const Batch batch =
      BatchBuilder(kMaxFrameBytes + 100).lines(kOrigin, kA, 0, {"before", record, "after"}).take();
  files.space = 50'000'000;  // it fills within
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  files.space = INT64_MAX;
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  const std::string head = json_line(kOrigin, kA, "before") + json_line(kOrigin, kA, "");
  const std::string got = read_file(dir / "out"), tail = "\"}\n" + json_line(kOrigin, kA, "after");
  const std::size_t begin = head.size() - 3;
  REQUIRE(got.size() == begin + 6 * record.size() + tail.size());
  CHECK(got.substr(0, begin) == head.substr(0, begin));
  CHECK(got.substr(got.size() - tail.size()) == tail);
  std::size_t wrong = 0;
  for (std::size_t at = begin; at < got.size() - tail.size(); at += 6)
    wrong += got.compare(at, 6, "\\u0002") != 0;
  CHECK(wrong == 0);
}
