#include <malloc.h>

#include <catch2/catch.hpp>

#include "server/sinks/graphite_encoder.h"
#include "server/sinks/influx_encoder.h"
#include "server/sinks/syslog_encoder.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::string_view_literals;
using test::encoded;
using test::EventBatch;

namespace {

const Origin kOrigin{"in", "udp://127.0.0.1:1"};
constexpr std::int64_t kTime = 1'795'572'918'123'456'789;  // 2026-11-25 02:15:18
constexpr std::size_t kMiB = std::size_t{1} << 20;

EventBatch batch() { return EventBatch(kOrigin, test::inet_peer(192, 0, 2, 1), kTime); }

/// A point as statsd makes it of `name:1:1:...|ms|#t:xxx`.
EventBatch packed(std::size_t numbers, std::size_t tag_bytes, std::size_t frame_bytes) {
  EventBatch point = batch();
  const std::string frame(frame_bytes, 'f');
  point.event(
      EventShape::kMetric,
      [&](FieldWriter& fields) {
        fields.string(Field::kName, "n");
        const auto values = fields.begin_array(Field::kValue);
        for (std::size_t at = 0; at < numbers; ++at) fields.integer(Field::kNone, 1);
        fields.end(values);
        const auto tags = fields.begin_map(Field::kTags);
        fields.string("t"sv, std::string(tag_bytes, 'x'));
        fields.end(tags);
      },
      frame);
  return point;
}

EventBatch packed_log(std::size_t numbers, std::size_t frame_bytes) {
  EventBatch record = batch();
  const std::string frame(frame_bytes, 'f');
  record.event(
      EventShape::kLog,
      [&](FieldWriter& fields) {
        const auto map = fields.begin_map(Field::kFields);
        const auto values = fields.begin_array("k"sv);
        for (std::size_t at = 0; at < numbers; ++at) fields.integer(Field::kNone, 1);
        fields.end(values);
        fields.end(map);
      },
      frame);
  return record;
}

bool is_passed_over(const TextEncoder& encoder, const EventBatch& record) {
  const auto lost = unencodable(encoder, record.batch());
  return encoded(encoder, record.batch()).empty() && !encoder.encodes(record.batch(), 0) &&
         lost.size() == 1 && lost[0].loss == RouteLoss::kUnencodable;
}

std::size_t allocated_bytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace

TEST_CASE("text encodings: what would grow without bound has no form", "[sinks]") {
  CHECK(is_passed_over(GraphiteEncoder(), packed(16'000, 32'000, 64'036)));
  CHECK(is_passed_over(InfluxEncoder(), packed(500'000, 1, 100)));
  CHECK(is_passed_over(SyslogEncoder(), packed_log(500'000, 100)));
}

TEST_CASE("text encodings: a record may be as long as what was sent gives reason for", "[sinks]") {
  CHECK(encoded(GraphiteEncoder(), packed(8'000, 1'000, 17'000).batch()).size() ==
        8'000 * ("n;t= 1 1795572918\n"sv.size() + 1'000));
  CHECK(encoded(InfluxEncoder(), packed(500'000, 1, 5 * kMiB).batch()).size() > 5 * kMiB);
  CHECK(encoded(SyslogEncoder(), packed_log(500'000, 5 * kMiB).batch()).size() > 5 * kMiB);
  CHECK(encoded(SyslogEncoder(), batch().record(std::string(kMaxFrameBytes, '\0')).batch()).size() >
        4 * kMaxFrameBytes);
}

TEST_CASE("text encodings: memory of a long record is given back", "[sinks]") {
  const EventBatch point = packed(8'000, 1'000, 17'000);
  const GraphiteEncoder encoder;
  const std::size_t before = allocated_bytes();
  EncodeBuffer buffer;
  CHECK(encoder.encode(point.batch(), point.batch().segments[0], 0, 1, buffer) == 1);
  CHECK(buffer.size() == encoder.encoded_bytes(point.batch(), point.batch().segments[0], 0));
  CHECK(buffer.size() > 8 * 1'000'000);
  buffer.shrink();
  CHECK(allocated_bytes() < before + kMiB);
}

TEST_CASE("graphite encoding: a second that has begun before 1970 has begun", "[sinks][graphite]") {
  const auto [time_ns, seconds] = GENERATE(table<std::int64_t, std::string>({
      {1'999'999'999, "1"},
      {0, "0"},
      {-1'000'000'001, "-2"},
      {-1'500'000'000, "-2"},
      {-3'000'000'000, "-3"},
  }));
  EventBatch point = batch();
  point.event(EventShape::kMetric, [time_ns = time_ns](FieldWriter& fields) {
    fields.string(Field::kName, "n");
    fields.integer(Field::kValue, 5);
    fields.time(Field::kTimestamp, time_ns);
  });
  CHECK(encoded(GraphiteEncoder(), point.batch()) == "n 5 " + seconds + "\n");
}

TEST_CASE("graphite encoding: no point has the time that carbon takes for now",
          "[sinks][graphite]") {
  const std::int64_t time_ns = GENERATE(-1'000'000'000, -999'999'999, -1);
  EventBatch point = batch();
  point.event(EventShape::kMetric, [time_ns](FieldWriter& fields) {
    fields.string(Field::kName, "n");
    fields.integer(Field::kValue, 5);
    fields.time(Field::kTimestamp, time_ns);
  });
  CHECK(is_passed_over(GraphiteEncoder(), point));
}
