#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "protocols/core/result.h"
#include "server/config/config.h"

struct rd_kafka_conf_s;

namespace penstock::config {

struct FreeKafkaConf {
  void operator()(rd_kafka_conf_s* conf) const noexcept;
};
/// Settings of librdkafka, as rd_kafka_new takes them over.
using KafkaConf = std::unique_ptr<rd_kafka_conf_s, FreeKafkaConf>;

/// What a sink's producer has where the config file says nothing else: idempotent, so acks=all; no message times out.
KafkaConf default_kafka_conf();

/// Sets what a config file says. An error says what librdkafka has against it, and quotes `option.value`.
Result<void> set_kafka_option(rd_kafka_conf_s& conf, const Option& option);

/// Why this setting must not have this value: it would break what the sink promises, or another key says it. Empty: it
/// may.
std::string_view why_no_kafka_option(const Option& option) noexcept;

/// Has librdkafka look at the settings as a whole, at files that they name too, without reaching for any broker.
Result<void> try_kafka_conf(KafkaConf conf);

}  // namespace penstock::config
