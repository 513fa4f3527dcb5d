#include "server/config/kafka_settings.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

#include "protocols/core/check.h"

namespace penstock::config {
namespace {

constexpr std::size_t kMostErrorBytes = 512;

struct Setting {
  const char* name;
  const char* value;
};
constexpr std::array<Setting, 5> kDefaults = {{
    {"enable.idempotence", "true"},
    {"client.id", "penstock"},
    {"message.timeout.ms", "0"},  // else a record that was sent in time may be sent a second time
    {"statistics.interval.ms", "1000"},
    {"log.connection.close", "false"},  // brokers close idle connections all the time
}};

/// A setting that may have only some values, or none at all.
struct Reserved {
  std::string_view name;
  std::array<std::string_view, 3> allowed;
  std::string_view why;
};
constexpr std::string_view kAcks =
    "expected \"all\": a record that only some replicas have would count as delivered and could "
    "be lost with them";
constexpr std::string_view kBrokers = "not here, the sink's key brokers names them";
constexpr std::array<Reserved, 8> kReserved = {{
    {"acks", {"all", "-1"}, kAcks},
    {"request.required.acks", {"all", "-1"}, kAcks},
    {"enable.idempotence",
     {"true", "t", "1"},
     "expected true: without it librdkafka's own retries write records twice and in another order"},
    {"delivery.report.only.error",
     {"false", "f", "0"},
     "expected false: without reports of success nothing would ever count as delivered"},
    {"bootstrap.servers", {}, kBrokers},
    {"metadata.broker.list", {}, kBrokers},
    {"transactional.id", {}, "not supported, the sink makes no transactions"},
    {"test.mock.num.brokers",
     {"0"},
     "expected 0: records would go to brokers within this process and be gone with it"},
}};

void ignore_log(const rd_kafka_t*, int, const char*, const char*) {}

}  // namespace

void FreeKafkaConf::operator()(rd_kafka_conf_s* conf) const noexcept {
  rd_kafka_conf_destroy(conf);
}

KafkaConf default_kafka_conf() {
  KafkaConf conf(rd_kafka_conf_new());
  for (const Setting& setting : kDefaults)
    PENSTOCK_CHECK(set_kafka_option(*conf, {setting.name, setting.value, {}, {}}).has_value());
  return conf;
}

Result<void> set_kafka_option(rd_kafka_conf_s& conf, const Option& option) {
  std::array<char, kMostErrorBytes> why{};
  if (rd_kafka_conf_set(&conf, option.name.c_str(), option.value.c_str(), why.data(), why.size()) ==
      RD_KAFKA_CONF_OK)
    return {};
  return fail(0, why.data());
}

std::string_view why_no_kafka_option(const Option& option) noexcept {
  for (const Reserved& reserved : kReserved) {
    if (reserved.name != option.name) continue;
    const auto& allowed = reserved.allowed;
    const bool fine = std::find(allowed.begin(), allowed.end(), option.value) != allowed.end();
    return fine ? std::string_view() : reserved.why;
  }
  return {};
}

Result<void> try_kafka_conf(KafkaConf conf) {
  rd_kafka_conf_set_log_cb(conf.get(), ignore_log);
  std::array<char, kMostErrorBytes> why{};
  rd_kafka_t* producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), why.data(), why.size());
  if (producer == nullptr) return fail(0, why.data());
  conf.release();  // the producer's now
  rd_kafka_destroy(producer);
  return {};
}

}  // namespace penstock::config
