#include "server/sinks/kafka/kafka_sink.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "tests/kafka/mock_brokers.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/event_batches.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::ReadMessage;

namespace {

const Origin kOrigin{.listener = "in", .url = "tcp://127.0.0.1:5514"};
const Peer kPeer = test::inet_peer(192, 0, 2, 1);
constexpr std::int64_t kTime = 1'764'037'518'123'456'789;

config::Sink settings(const test::MockBrokers& brokers, std::vector<config::Option> options = {}) {
  config::Sink sink{.name = "out", .type = config::SinkType::kKafka};
  sink.kafka.brokers = {brokers.servers()};
  sink.kafka.topic = "{listener}";
  sink.headers = false;
  sink.kafka.options = std::move(options);
  sink.kafka.options.push_back({"reconnect.backoff.max.ms", "200", {}, {}});
  sink.kafka.options.push_back({"linger.ms", "0", {}, {}});
  return sink;
}

Batch batch_of(const std::vector<std::string>& records) {
  return test::BatchBuilder().opaque(kOrigin, kPeer, kTime, records).take();
}

/// A sink as its runner calls it.
class Running {
 public:
  explicit Running(const config::Sink& config) : sink(config) {
    const auto opened = sink.open();
    INFO((opened ? "" : opened.error().message));
    REQUIRE(opened.has_value());
  }
  ~Running() { CHECK(sink.close().has_value()); }

  /// What poll() says of the one batch that is pending.
  WriteStatus wait() {
    const auto give_up = std::chrono::steady_clock::now() + 60s;
    while (std::chrono::steady_clock::now() < give_up) {
      const auto finished = sink.poll(100ms);
      REQUIRE(finished.size() <= 1);
      if (!finished.empty()) return finished.front().status;
    }
    FAIL("nothing ended: " + sink.last_error());
    return WriteStatus::kFailed;
  }

  /// Until something else than "again" comes of it.
  WriteStatus deliver(const Batch& batch) {
    for (WriteStatus status = sink.write(batch);; status = sink.write(batch)) {
      if (status == WriteStatus::kPending) status = wait();
      if (status != WriteStatus::kRetry) return status;
      ++retries;
      for (const auto pause : {0ms, 10ms}) CHECK(sink.poll(pause).empty());  // as the runner pauses
    }
  }

  KafkaSink sink;
  int retries = 0;
};

std::vector<std::string> values(const std::vector<ReadMessage>& messages) {
  std::vector<std::string> all;
  for (const ReadMessage& message : messages) all.push_back(message.value);
  return all;
}

double measure(const Sink& sink, std::string_view name) {
  for (const SinkMeasure& one : sink.measures()) {
    if (one.name == name) return one.value;
  }
  FAIL("no measure " + std::string(name));
  return 0;
}

}  // namespace

TEST_CASE("a record is a message: its bytes, key, time and headers", "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  config::Sink config = settings(brokers);
  config.kafka.key = "{peer}";
  config.headers = true;
  Running running(config);
  const Batch batch = batch_of({"one", "two\n\n", "", std::string("\0\xff", 2)});
  CHECK(running.deliver(batch) == WriteStatus::kDelivered);
  CHECK(running.sink.undeliverable(batch).empty());
  const auto read = brokers.read("in");
  CHECK(values(read) == std::vector<std::string>{"one", "two\n\n", "", std::string("\0\xff", 2)});
  for (const ReadMessage& message : read) {
    CHECK(message.key == "192.0.2.1");
    CHECK(message.time_ms == kTime / 1'000'000);
    CHECK(message.headers == std::vector<std::string>{"listener=in", "url=tcp://127.0.0.1:5514",
                                                      "peer=192.0.2.1:40000",
                                                      "time=2025-11-25T02:25:18.123456789Z"});
  }
}

TEST_CASE("other encodings come without the end of a line, and records of one batch in order",
          "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  config::Sink config = settings(brokers);
  config.encoding = config::Encoding::kSyslog;
  Running running(config);
  test::EventBatch events(kOrigin, kPeer, kTime);
  for (int i = 0; i < 3; ++i) {
    events.event(EventShape::kLog, [&](FieldWriter& fields) {
      fields.string(Field::kMessage, "m" + std::to_string(i));
    });
  }
  events.event(EventShape::kMetric,
               [](FieldWriter& fields) { fields.string(Field::kName, "metric"); });
  CHECK(running.deliver(events.batch()) == WriteStatus::kDelivered);
  const auto read = values(brokers.read("in"));
  REQUIRE(read.size() == 3);
  for (int i = 0; i < 3; ++i)
    CHECK(read[static_cast<std::size_t>(i)].ends_with("m" + std::to_string(i)));
  const auto lost = running.sink.undeliverable(events.batch());
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].frames.first == 3);
  CHECK(lost[0].loss == RouteLoss::kUnencodable);
}

TEST_CASE("the topic may come from the record, whatever bytes it has", "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("host-web_1");
  brokers.topic("host-");
  config::Sink config = settings(brokers);
  config.kafka.topic = "host-{field:host}";
  Running running(config);
  test::EventBatch events(kOrigin, kPeer, kTime);
  events.event(
      EventShape::kLog, [](FieldWriter& fields) { fields.string(Field::kHost, "web/1"); }, "a");
  events.record("b");
  CHECK(running.deliver(events.batch()) == WriteStatus::kDelivered);
  CHECK(values(brokers.read("host-web_1")) == std::vector<std::string>{"a"});
  CHECK(values(brokers.read("host-")) == std::vector<std::string>{"b"});
}

TEST_CASE("more records than librdkafka's queue holds follow as it empties", "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  Running running(settings(brokers, {{"queue.buffering.max.messages", "3", {}, {}}}));
  std::vector<std::string> records;
  for (int i = 0; i < 100; ++i) records.push_back("record " + std::to_string(i));
  const Batch batch = batch_of(records);
  CHECK(running.deliver(batch) == WriteStatus::kDelivered);
  CHECK(values(brokers.read("in")) == records);
  CHECK(running.retries == 0);
}

TEST_CASE("a record over message.max.bytes is refused, with the reason; the others arrive",
          "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  Running running(settings(brokers, {{"message.max.bytes", "2000", {}, {}}}));
  const Batch batch = batch_of({"a", std::string(3000, 'x'), std::string(3000, 'y'), "b"});
  CHECK(running.deliver(batch) == WriteStatus::kDelivered);
  CHECK(values(brokers.read("in")) == std::vector<std::string>{"a", "b"});
  const auto lost = running.sink.undeliverable(batch);
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].frames.first == 1);
  CHECK(lost[0].frames.count == 2);
  CHECK(lost[0].loss == RouteLoss::kRefused);
  CHECK(lost[0].answer == "Broker: Message size too large (MSG_SIZE_TOO_LARGE)");
  CHECK(running.sink.undeliverable(batch).empty());
}

TEST_CASE("records that a broker refuses together are tried one by one", "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  Running running(settings(brokers, {{"linger.ms", "50", {}, {}}}));
  // The first request, and then the first of the single ones.
  const std::size_t refusals = GENERATE(std::size_t{1}, std::size_t{2});
  brokers.fail_next(test::kProduceApi, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, refusals);
  const Batch batch = batch_of({"a", "b", "c"});
  CHECK(running.deliver(batch) == WriteStatus::kDelivered);
  const auto lost = running.sink.undeliverable(batch);
  auto read = values(brokers.read("in"));
  std::sort(read.begin(), read.end());
  CHECK(read.size() + lost.size() == 3);
  CHECK(lost.size() == refusals - 1);
}

TEST_CASE("what librdkafka gives up on is produced again, and nothing else", "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  Running running(settings(brokers, {{"linger.ms", "50", {}, {}}}));
  brokers.fail_next(test::kProduceApi, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, 2);
  const Batch first = batch_of({"a", "b"});
  CHECK(running.deliver(first) == WriteStatus::kDelivered);
  CHECK(running.retries >= 1);
  auto read = values(brokers.read("in"));
  std::sort(read.begin(), read.end());  // where one of them failed it comes behind the other
  CHECK(read == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a broker that is away: again until it is back, every record once", "[kafka]") {
  const std::string timeout = GENERATE(as<std::string>{}, "0", "500");
  CAPTURE(timeout);
  test::MockBrokers brokers;
  brokers.topic("in");
  Running running(settings(brokers, {{"message.timeout.ms", timeout, {}, {}}}));
  const Batch before = batch_of({"before"});
  REQUIRE(running.deliver(before) == WriteStatus::kDelivered);
  brokers.down();
  const Batch batch = batch_of({"a", "b"});
  REQUIRE(running.sink.write(batch) == WriteStatus::kPending);
  REQUIRE(running.wait() == WriteStatus::kRetry);
  CHECK(running.sink.last_error() != "");
  brokers.up();
  CHECK(running.deliver(batch) == WriteStatus::kDelivered);
  CHECK(values(brokers.read("in")) == std::vector<std::string>{"before", "a", "b"});
}

TEST_CASE("abandoned: the frames that are not known to be delivered are told, others not",
          "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  Running running(settings(brokers));
  const Batch done = batch_of({"done"});
  REQUIRE(running.deliver(done) == WriteStatus::kDelivered);
  brokers.down();
  const Batch first = batch_of({"a", "b"}), second = batch_of({"c"});
  REQUIRE(running.sink.write(first) == WriteStatus::kPending);
  REQUIRE(running.sink.write(second) == WriteStatus::kPending);
  for (const Batch* batch : {&first, &second}) {
    const auto ranges = running.sink.abandon(*batch);
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0].first == 0);
    CHECK(ranges[0].count == batch->frames.size());
  }
  brokers.up();
  CHECK(values(brokers.read("in")) == std::vector<std::string>{"done"});
}

TEST_CASE("a producer that ends by a fatal error is followed by another", "[kafka]") {
  test::MockBrokers brokers;
  brokers.topic("in");
  brokers.fail_next(test::kInitProducerIdApi, RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, 2);
  Running running(settings(brokers));
  const Batch batch = batch_of({"a", "b"});
  CHECK(running.deliver(batch) == WriteStatus::kDelivered);
  CHECK(running.retries >= 2);
  CHECK(running.sink.last_error().find("fatal error of the Kafka producer") == 0);
  CHECK(measure(running.sink, "penstock_kafka_producers_total") == 3);
  CHECK(values(brokers.read("in")) == std::vector<std::string>{"a", "b"});
}

TEST_CASE("librdkafka's statistics become measures", "[kafka]") {
  KafkaStatistics statistics;
  statistics.begin_producer();
  statistics.take(R"({"msg_cnt":3,"msg_size":300,"txmsgs":10,"txmsg_bytes":1000,"tx":7,
    "brokers":{"b:1/1":{"nodeid":1,"state":"UP","txretries":2,"txerrs":1,"req_timeouts":4,
                        "rtt":{"p99":1500000}},
               "b:1/bootstrap":{"nodeid":-1,"state":"UP","txretries":1,"rtt":{"p99":3}}}})");
  const auto shown = [&](std::string_view name) {
    for (const SinkMeasure& one : statistics.measures()) {
      if (one.name == name) return one.value;
    }
    return -1.0;
  };
  CHECK(shown("penstock_kafka_queued_records") == 3);
  CHECK(shown("penstock_kafka_request_retries_total") == 3);
  CHECK(shown("penstock_kafka_brokers_up") == 1);
  CHECK(shown("penstock_kafka_round_trip_seconds") == 1.5);
  statistics.begin_producer();
  statistics.take(R"({"msg_cnt":1,"txmsgs":5})");
  CHECK(shown("penstock_kafka_queued_records") == 1);
  CHECK(shown("penstock_kafka_sent_records_total") == 15);
  CHECK(shown("penstock_kafka_producers_total") == 2);
  statistics.take("no JSON");
  CHECK(shown("penstock_kafka_sent_records_total") == 10);
}
