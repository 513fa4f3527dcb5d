#include "server/sinks/make.h"

#include "protocols/core/check.h"
#include "server/sinks/blackhole_sink.h"
#include "server/sinks/file_sink.h"
#include "server/sinks/http/http_sink.h"
#include "server/sinks/kafka/kafka_sink.h"
#include "server/sinks/nats/nats_sink.h"
#include "server/sinks/relay/relay_sink.h"
#include "server/sinks/sqlite/sqlite_sink.h"
#include "server/sinks/stdout_sink.h"

namespace penstock {

std::unique_ptr<Sink> make_sink(const config::Sink& config) {
  switch (config.type) {
    case config::SinkType::kFile: return std::make_unique<FileSink>(config);
    case config::SinkType::kStdout: return std::make_unique<StdoutSink>(config);
    case config::SinkType::kBlackhole: return std::make_unique<BlackholeSink>();
    case config::SinkType::kHttp: return std::make_unique<HttpSink>(config);
    case config::SinkType::kSqlite: return std::make_unique<SqliteSink>(config);
    case config::SinkType::kRelay: return std::make_unique<RelaySink>(config);
    case config::SinkType::kKafka: return std::make_unique<KafkaSink>(config);
    case config::SinkType::kNats: return std::make_unique<NatsSink>(config);
  }
  PENSTOCK_CHECK(false);
  return nullptr;
}

}  // namespace penstock
