#include <algorithm>
#include <catch2/catch.hpp>

#include "protocols/graphite/decoder.h"
#include "protocols/influx/decoder.h"
#include "server/sinks/file_sink.h"
#include "server/sinks/graphite_encoder.h"
#include "server/sinks/influx_encoder.h"
#include "tests/protocols/feed.h"
#include "tests/sinks/event_batches.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace test;
using namespace std::string_view_literals;
using Texts = std::vector<std::string>;

namespace {

/// A point whose text, where it has one, has two lines, a quote and a backslash at its end.
EventBatch point(std::string_view name, std::string_view text = {}) {
  EventBatch batch(kOrigin, kA, 1'700'000'000'000'000'000);
  batch.event(EventShape::kMetric, [&](FieldWriter& fields) {
    fields.string(Field::kName, name);
    const auto values = fields.begin_map(Field::kFields);
    if (!text.empty()) fields.string("text"sv, text);
    fields.real("number"sv, 12.5);
    fields.end(values);
  });
  return batch;
}

constexpr std::string_view kText = "a \"line\"\nand 2 more\n\\";

/// The points that a reader finds in a file; what is none it passes over.
Texts points(std::unique_ptr<Decoder> decoder, const std::string& file) {
  Feed reader(std::move(decoder));
  CHECK(reader.read(file));
  reader.end(EndReason::kFin);
  Texts events = reader.events();
  std::erase_if(events, [](const std::string& event) { return event.starts_with("{\"error\""); });
  return events;
}

/// The file that is left where `torn` was cut at `size` behind `whole`, was opened, and went on with `next`.
std::string mended(const config::Sink& config, const std::string& whole, const std::string& torn,
                   std::size_t size, const Batch& next) {
  write_file(config.path, whole + torn.substr(0, size));
  FileSink sink(config);
  REQUIRE(sink.open());
  CHECK(sink.repaired() == (size == 0 ? 0 : 1));
  CHECK(sink.write(next) == WriteStatus::kDelivered);
  return read_file(config.path);
}

}  // namespace

TEST_CASE("file sink: a torn point is none to readers of line protocol, wherever it was cut",
          "[sinks][file][influx]") {
  const TempDir dir;
  config::Sink config = config_for(dir / "out");
  config.encoding = config::Encoding::kInflux;
  const EventBatch next = point("next");
  const std::string whole = encoded(InfluxEncoder(), point("whole", kText).batch());
  const std::string torn = encoded(InfluxEncoder(), point("torn", kText).batch());
  const std::string behind = encoded(InfluxEncoder(), next.batch());
  const Texts expected = points(make_influx_decoder({}, {}), whole + behind);
  REQUIRE(expected.size() == 2);
  for (std::size_t size = 0; size < torn.size(); ++size) {
    const std::string file = mended(config, whole, torn, size, next.batch());
    CAPTURE(size, file);
    REQUIRE(points(make_influx_decoder({}, {}), file) == expected);
  }
}

TEST_CASE("file sink: a torn point is none to readers of Graphite's lines, wherever it was cut",
          "[sinks][file][graphite]") {
  const TempDir dir;
  config::Sink config = config_for(dir / "out");
  config.encoding = config::Encoding::kGraphite;
  const EventBatch next = point("next");
  const std::string whole = encoded(GraphiteEncoder(), point("whole").batch());
  const std::string torn = encoded(GraphiteEncoder(), point("torn").batch());
  const std::string behind = encoded(GraphiteEncoder(), next.batch());
  const Texts expected = points(make_graphite_decoder({}), whole + behind);
  REQUIRE(expected.size() == 2);
  for (std::size_t size = 0; size < torn.size(); ++size) {
    const std::string file = mended(config, whole, torn, size, next.batch());
    CAPTURE(size, file);
    REQUIRE(points(make_graphite_decoder({}), file) == expected);
  }
}

TEST_CASE("file sink: a file of line protocol is read only where its end shows no whole point",
          "[sinks][file][influx]") {
  const TempDir dir;
  struct Counting final : PassedFiles {
    std::int64_t pread(int fd, char* data, std::size_t size,
                       std::int64_t offset) noexcept override {
      ++reads;
      return PassedFiles::pread(fd, data, size, offset);
    }
    int reads = 0;
  } files;
  config::Sink config = config_for(dir / "out");
  config.encoding = config::Encoding::kInflux;
  const auto [text, reads, repaired] = GENERATE(table<std::string, int, int>({
      {"m f=1 1700000000000000000\n", 1, 0},
      {"m f=1 -7\n", 1, 0},
      {"m f=1\n", 2, 0},
      {"m f=\"a\n", 2, 1},
      {"m f=1 7", 2, 1},
  }));
  CAPTURE(text);
  write_file(dir / "out", text);
  FileSink sink(config, files);
  REQUIRE(sink.open());
  CHECK(files.reads == reads);
  CHECK(sink.repaired() == static_cast<std::uint64_t>(repaired));
}

TEST_CASE("file sink: a point that cannot be taken back is written to its end",
          "[sinks][file][influx]") {
  const TempDir dir;
  FaultyFiles files;
  config::Sink config = config_for(dir / "out");
  config.encoding = config::Encoding::kInflux;
  const EventBatch batch = point("m", kText);
  const std::string whole = encoded(InfluxEncoder(), batch.batch());
  FileSink sink(config, files);
  REQUIRE(sink.open());
  files.space = static_cast<std::int64_t>(whole.find('\n')) + 1;
  CHECK(sink.write(batch.batch()) == WriteStatus::kRetry);
  files.space = INT64_MAX;
  CHECK(sink.write(batch.batch()) == WriteStatus::kDelivered);
  CHECK(read_file(dir / "out") == whole);
}
