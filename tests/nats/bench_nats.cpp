// The nats sink against libnats alone: the same records to the same stream, by turns.
//
//   bench_nats SERVERS [RECORDS] [BYTES] [ROUNDS]; integration/bench/nats starts a cluster and calls it
//
// SERVERS: URLs with commas between them; a stream has to take the subject bench.x. Prints records a second of each, best of
// the rounds, with and without headers, and what part of libnats' rate the sink has.
#include <nats/nats.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "server/sinks/nats/nats_sink.h"
#include "tests/support/sink_bench.h"

namespace {

using namespace penstock;
using Clock = std::chrono::steady_clock;

struct NatsLoad {
  std::vector<std::string> servers;
  std::size_t records = 200'000;
  std::size_t bytes = 200;
  bool headers = false;
};

void must(natsStatus status, const char* what) {
  if (status == NATS_OK) return;
  std::fprintf(stderr, "bench_nats: %s: %s\n", what, natsStatus_GetText(status));
  std::exit(1);
}

void fail_of_message(jsCtx*, jsPubAckErr* error, void*) {
  std::fprintf(stderr, "bench_nats: %s\n", error->ErrText);
  std::exit(1);
}

/// The record with a Nats-Msg-Id, and the headers that the sink gives it.
void publish(jsCtx* js, const NatsLoad& load, const std::string& record, std::size_t number) {
  const std::string id =
      "bench." + std::to_string(Clock::now().time_since_epoch().count()) + std::to_string(number);
  jsPubOptions options;
  must(jsPubOptions_Init(&options), "options");
  options.MsgId = id.c_str();
  natsMsg* message = nullptr;
  must(natsMsg_Create(&message, "bench.x", nullptr, record.data(), static_cast<int>(record.size())),
       "make a message");
  if (load.headers) {
    natsMsgHeader_Set(message, "listener", "bench");
    natsMsgHeader_Set(message, "url", "tcp://127.0.0.1:5514");
    natsMsgHeader_Set(message, "peer", "unknown");
    natsMsgHeader_Set(message, "time", "2025-11-25T02:25:18.123456789Z");
  }
  natsStatus status = NATS_OK;
  do {
    status = js_PublishMsgAsync(js, &message, &options);
  } while (status == NATS_TIMEOUT);  // MaxPending are on their way
  must(status, "publish");
}

/// As libnats' own js-pub example does it.
double libnats_rate(const NatsLoad& load) {
  std::vector<const char*> servers;
  for (const std::string& server : load.servers) servers.push_back(server.c_str());
  natsOptions* options = nullptr;
  must(natsOptions_Create(&options), "options");
  must(natsOptions_SetServers(options, servers.data(), static_cast<int>(servers.size())),
       "servers");
  natsConnection* connection = nullptr;
  must(natsConnection_Connect(&connection, options), "connect");
  jsOptions js_options;
  must(jsOptions_Init(&js_options), "options");
  js_options.PublishAsync.MaxPending = static_cast<std::int64_t>(config::NatsSink{}.max_in_flight);
  js_options.PublishAsync.ErrHandler = fail_of_message;
  jsCtx* js = nullptr;
  must(natsConnection_JetStream(&js, connection, &js_options), "JetStream");
  const std::string record(load.bytes, 'x');
  const auto begin = Clock::now();
  for (std::size_t at = 0; at < load.records; ++at) publish(js, load, record, at);
  must(js_PublishAsyncComplete(js, nullptr), "wait for acknowledgements");
  const double found = test::bench_rate(load.records, begin);
  jsCtx_Destroy(js);
  natsConnection_Destroy(connection);
  natsOptions_Destroy(options);
  return found;
}

double nats_sink_rate(const NatsLoad& load) {
  config::Sink config{.name = "bench", .type = config::SinkType::kNats};
  config.nats.servers = load.servers;
  config.nats.subject = "bench.x";
  config.headers = load.headers;
  NatsSink sink(config);
  return test::bench_sink(sink, load.records, load.bytes);
}

void compare(NatsLoad load, bool headers, int rounds) {
  load.headers = headers;
  double alone = 0, by_sink = 0;
  for (int round = 0; round < rounds; ++round) {
    const double first = libnats_rate(load), second = nats_sink_rate(load);
    std::printf("  libnats %.0f, sink %.0f\n", first, second);
    alone = std::max(alone, first);
    by_sink = std::max(by_sink, second);
  }
  std::printf("%s headers: libnats alone %.0f records/s, sink %.0f records/s: %.0f %%\n",
              headers ? "with" : "without", alone, by_sink, 100 * by_sink / alone);
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bench_nats SERVERS [RECORDS] [BYTES] [ROUNDS]\n");
    return 2;
  }
  NatsLoad load;
  load.servers = split(argv[1]);
  if (argc > 2) load.records = std::stoul(argv[2]);
  if (argc > 3) load.bytes = std::stoul(argv[3]);
  const int rounds = argc > 4 ? std::stoi(argv[4]) : 3;
  compare(load, false, rounds);
  compare(load, true, rounds);
}
