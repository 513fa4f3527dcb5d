#include "server/sinks/kafka/kafka_statistics.h"

#include <simdjson.h>

#include <algorithm>

namespace penstock {
namespace {

namespace dom = simdjson::dom;

// In this order: those of the producer, of its brokers, our own.
enum Index : std::size_t {
  kQueuedRecords,
  kQueuedBytes,
  kRecords,
  kBytes,
  kRequests,
  kRetries,
  kErrors,
  kTimeouts,
  kBrokersUp,
  kRoundTrip,
  kProducers,
  kEnd
};

constexpr std::array<SinkMeasure, kEnd> kKafkaMeasures = {{
    {"penstock_kafka_queued_records", "Records with librdkafka, not yet confirmed.", false},
    {"penstock_kafka_queued_bytes", "Bytes of records with librdkafka, not yet confirmed.", false},
    {"penstock_kafka_sent_records_total", "Records that brokers were sent.", true},
    {"penstock_kafka_sent_bytes_total", "Bytes of those records, before compression.", true},
    {"penstock_kafka_requests_total", "Requests that brokers were sent.", true},
    {"penstock_kafka_request_retries_total", "Requests that were sent again.", true},
    {"penstock_kafka_request_errors_total", "Requests that could not be sent.", true},
    {"penstock_kafka_request_timeouts_total", "Requests that had no answer in time.", true},
    {"penstock_kafka_brokers_up", "Brokers that a connection is up to.", false},
    {"penstock_kafka_round_trip_seconds",
     "Time from a request to its answer: 99th percentile of the slowest broker.", false},
    {"penstock_kafka_producers_total", "Producers made: above 1, a fatal error has ended one.",
     true},
}};

constexpr double kMicrosecondsPerSecond = 1e6;

double number(const dom::element& object, std::string_view key) {
  double value = 0;
  return object[key].get(value) == simdjson::SUCCESS ? value : 0;
}

void add_broker(const dom::element& broker, std::array<double, kEnd>& values) {
  values[kRetries] += number(broker, "txretries");
  values[kErrors] += number(broker, "txerrs");
  values[kTimeouts] += number(broker, "req_timeouts");
  std::string_view state;
  if (broker["state"].get(state) == simdjson::SUCCESS && state == "UP" &&
      number(broker, "nodeid") >= 0)
    ++values[kBrokersUp];
  dom::element round_trip;
  if (broker["rtt"].get(round_trip) == simdjson::SUCCESS)
    values[kRoundTrip] =
        std::max(values[kRoundTrip], number(round_trip, "p99") / kMicrosecondsPerSecond);
}

}  // namespace

KafkaStatistics::KafkaStatistics() { static_assert(kMeasures == kEnd); }

KafkaStatistics::Values KafkaStatistics::read(std::string_view json) {
  Values values{};
  dom::parser parser;
  dom::element all;
  if (parser.parse(json.data(), json.size()).get(all) != simdjson::SUCCESS) return values;
  values[kQueuedRecords] = number(all, "msg_cnt");
  values[kQueuedBytes] = number(all, "msg_size");
  values[kRecords] = number(all, "txmsgs");
  values[kBytes] = number(all, "txmsg_bytes");
  values[kRequests] = number(all, "tx");
  dom::object brokers;
  if (all["brokers"].get(brokers) == simdjson::SUCCESS) {
    for (const auto broker : brokers) add_broker(broker.value, values);
  }
  return values;
}

void KafkaStatistics::take(std::string_view json) {
  current_ = read(json);
  current_[kProducers] = 1;
  publish();
}

void KafkaStatistics::begin_producer() {
  for (std::size_t at = 0; at < kMeasures; ++at) {
    if (kKafkaMeasures[at].counter) ended_[at] += current_[at];
  }
  current_ = {};
  current_[kProducers] = 1;
  publish();
}

void KafkaStatistics::publish() {
  for (std::size_t at = 0; at < kMeasures; ++at)
    shown_[at].store(ended_[at] + current_[at], std::memory_order_relaxed);
}

std::vector<SinkMeasure> KafkaStatistics::measures() const {
  std::vector<SinkMeasure> measures(kKafkaMeasures.begin(), kKafkaMeasures.end());
  for (std::size_t at = 0; at < kMeasures; ++at)
    measures[at].value = shown_[at].load(std::memory_order_relaxed);
  return measures;
}

}  // namespace penstock
