#include <algorithm>
#include <array>

#include "server/config/checks.h"
#include "server/config/kafka_settings.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 2> kPlaceKeys = {"brokers", "topic"};
constexpr std::array<std::string_view, 2> kFormKeys = {"key", "kafka"};

void check_no_kafka_keys(Draft& draft, const TableSource& source) {
  refuse_keys_of("kafka", kPlaceKeys, source, draft.problems);
  for (const auto key : kFormKeys)
    source.warn_if_given(draft.problems, key, "no effect: only a sink of type \"kafka\" has it");
}

void check_brokers(Draft& draft, const TableSource& source) {
  if (!source.has("brokers")) return;
  for (const Item& item : source.keys.find("brokers")->second.items) {
    if (item.text.find_first_of(" \t,/") != std::string::npos || item.text.starts_with(':'))
      source.error(draft.problems, item.place, "brokers",
                   "expected HOST:PORT (or HOST, which is port 9092), got " + item.shown);
  }
}

/// False where it is not as librdkafka wants it, which is told then.
bool check_option(Draft& draft, const TableSource& source, const Option& option, const Item& item,
                  rd_kafka_conf_s& conf) {
  const std::string key = "kafka: " + in_quotes(option.name);
  if (const auto why = why_no_kafka_option(option); !why.empty()) {
    source.error(draft.problems, option.value_place, key, std::string(why));
    return false;
  }
  const auto set = set_kafka_option(conf, option);
  if (set) return true;
  // librdkafka quotes the value: not when it may be a secret.
  const bool unknown = set.error().message.starts_with("No such");
  source.error(draft.problems, unknown ? option.place : option.value_place, key,
               item.expanded && !unknown ? "librdkafka refuses what " + item.shown + " expands to"
                                         : "librdkafka refuses it: " + set.error().message);
  return false;
}

void check_options(Draft& draft, const Sink& sink, const TableSource& source) {
  KafkaConf conf = default_kafka_conf();
  bool fine = source.sound("kafka");
  for (std::size_t at = 0; at < sink.kafka.options.size(); ++at)
    fine = check_option(draft, source, sink.kafka.options[at], source.item("kafka", at), *conf) &&
           fine;
  if (!fine) return;
  if (const auto tried = try_kafka_conf(std::move(conf)); !tried)
    source.error(draft.problems, source.place_of("kafka"), "kafka",
                 "librdkafka refuses these settings: " + tried.error().message);
}

void check_kafka_sink(Draft& draft, const Sink& sink, const TableSource& source) {
  for (const auto key : kPlaceKeys) {
    if (!source.has(key))
      source.error(draft.problems, source.place, key, "missing, a kafka sink needs it");
  }
  check_brokers(draft, source);
  check_record_template(draft, source, "topic");
  check_record_template(draft, source, "key");
  check_options(draft, sink, source);
}

}  // namespace

void check_kafka_sinks(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    if (!draft.sinks[i].sound("type")) continue;
    if (draft.config.sinks[i].type == SinkType::kKafka)
      check_kafka_sink(draft, draft.config.sinks[i], draft.sinks[i]);
    else
      check_no_kafka_keys(draft, draft.sinks[i]);
  }
}

}  // namespace penstock::config
