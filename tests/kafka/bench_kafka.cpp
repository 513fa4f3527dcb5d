// The kafka sink against librdkafka alone: the same records to the same mock cluster, by turns.
//
//   kafka_mock_cluster 3 prints SERVERS; then: bench_kafka SERVERS [RECORDS] [BYTES] [ROUNDS]
//
// Prints records a second of each, best of the rounds, with and without headers, and what part of librdkafka's rate the
// sink has.
#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "server/config/kafka_settings.h"
#include "server/sinks/kafka/kafka_headers.h"
#include "server/sinks/kafka/kafka_sink.h"
#include "tests/support/sink_bench.h"

namespace {

using namespace penstock;
using Clock = std::chrono::steady_clock;

struct Load {
  std::string servers;
  std::size_t records = 1'000'000;
  std::size_t bytes = 200;
  bool headers = false;
};

void count_report(rd_kafka_t*, const rd_kafka_message_t* message, void* reported) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    std::fprintf(stderr, "bench_kafka: %s\n", rd_kafka_err2str(message->err));
    std::exit(1);
  }
  ++*static_cast<std::size_t*>(reported);
}

rd_kafka_t* producer_of(const Load& load, std::size_t& reported) {
  config::KafkaConf conf = config::default_kafka_conf();
  const auto set = config::set_kafka_option(*conf, {"bootstrap.servers", load.servers, {}, {}});
  if (!set) std::exit(1);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), count_report);
  rd_kafka_conf_set_opaque(conf.get(), &reported);
  std::array<char, 512> why{};
  return rd_kafka_new(RD_KAFKA_PRODUCER, conf.release(), why.data(), why.size());
}

/// As librdkafka's own example of a fast producer does it.
double librdkafka_rate(const Load& load) {
  std::size_t reported = 0;
  rd_kafka_t* producer = producer_of(load, reported);
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer, "bench", nullptr);
  std::string record(load.bytes, 'x');
  const Batch batch = test::bench_batch(1, 1);
  const KafkaHeaders headers = headers_of(batch.segments.front());
  const auto begin = Clock::now();
  for (std::size_t sent = 0; sent < load.records;) {
    std::array<rd_kafka_vu_t, 4> parts;
    parts[0].vtype = RD_KAFKA_VTYPE_RKT;
    parts[0].u.rkt = topic;
    parts[1].vtype = RD_KAFKA_VTYPE_VALUE;
    parts[1].u.mem.ptr = record.data();
    parts[1].u.mem.size = record.size();
    parts[2].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
    parts[2].u.i = RD_KAFKA_MSG_F_COPY;
    parts[3].vtype = RD_KAFKA_VTYPE_HEADERS;
    parts[3].u.headers = load.headers ? rd_kafka_headers_copy(headers.get()) : nullptr;
    rd_kafka_error_t* error = rd_kafka_produceva(producer, parts.data(), load.headers ? 4 : 3);
    if (error == nullptr) {
      ++sent;
      if (sent % 1000 == 0) rd_kafka_poll(producer, 0);
      continue;
    }
    rd_kafka_error_destroy(error);
    if (load.headers) rd_kafka_headers_destroy(parts[3].u.headers);
    rd_kafka_poll(producer, 10);
  }
  while (reported < load.records) rd_kafka_poll(producer, 10);
  const double found = test::bench_rate(load.records, begin);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(producer);
  return found;
}

double sink_rate(const Load& load) {
  config::Sink config{.name = "bench", .type = config::SinkType::kKafka};
  config.kafka = {.brokers = {load.servers}, .topic = "bench"};
  config.headers = load.headers;
  KafkaSink sink(config);
  return test::bench_sink(sink, load.records, load.bytes);
}

void compare(Load load, bool headers, int rounds) {
  load.headers = headers;
  double alone = 0, by_sink = 0;
  for (int round = 0; round < rounds; ++round) {
    alone = std::max(alone, librdkafka_rate(load));
    by_sink = std::max(by_sink, sink_rate(load));
  }
  std::printf("%s headers: librdkafka alone %.0f records/s, sink %.0f records/s: %.0f %%\n",
              headers ? "with" : "without", alone, by_sink, 100 * by_sink / alone);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_kafka SERVERS [RECORDS] [BYTES] [ROUNDS]\n");
    return 2;
  }
  Load load;
  load.servers = argv[1];
  if (argc > 2) load.records = std::stoul(argv[2]);
  if (argc > 3) load.bytes = std::stoul(argv[3]);
  const int rounds = argc > 4 ? std::stoi(argv[4]) : 3;
  compare(load, false, rounds);
  compare(load, true, rounds);
}
