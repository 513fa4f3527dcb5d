#include "server/sinks/kafka/kafka_producer.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdlib>

#include "server/config/kafka_settings.h"
#include "server/log/log.h"

namespace penstock {
namespace {

constexpr std::size_t kMostErrorBytes = 512;

std::string joined(const std::vector<std::string>& brokers) {
  std::string out;
  for (const std::string& broker : brokers) out += (out.empty() ? "" : ",") + broker;
  return out;
}

std::chrono::milliseconds linger_of(const rd_kafka_conf_t& conf) {
  std::array<char, 32> text{};
  std::size_t size = text.size();
  if (rd_kafka_conf_get(&conf, "linger.ms", text.data(), &size) != RD_KAFKA_CONF_OK)
    return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(std::strtod(text.data(), nullptr)));
}

// librdkafka's own threads; what is wrong with brokers comes as an error besides.
void pass_log(const rd_kafka_t* producer, int, const char* facility, const char* text) {
  if (!log::enabled(log::Level::kDebug)) return;
  log::debug("librdkafka", {{"producer", producer == nullptr ? "" : rd_kafka_name(producer)},
                            {"facility", facility},
                            {"text", text}});
}

void pass_report(rd_kafka_t*, const rd_kafka_message_t* message, void* events) noexcept {
  static_cast<KafkaEvents*>(events)->on_report(reinterpret_cast<std::uintptr_t>(message->_private),
                                               message->err);
}

void pass_error(rd_kafka_t*, int error, const char* reason, void* events) noexcept {
  if (error == RD_KAFKA_RESP_ERR__FATAL) return;  // fatal_error() has it
  static_cast<KafkaEvents*>(events)->on_trouble(kafka_error_text(error) + ": " + reason);
}

int pass_statistics(rd_kafka_t*, char* json, std::size_t bytes, void* events) noexcept {
  static_cast<KafkaEvents*>(events)->on_statistics({json, bytes});
  return 0;  // librdkafka frees it
}

/// The parts of one record, as rd_kafka_produceva takes them.
class Parts {
 public:
  rd_kafka_vu_t& add(rd_kafka_vtype_t type) {
    rd_kafka_vu_t& part = parts_[count_++];
    part.vtype = type;
    return part;
  }
  void add(rd_kafka_vtype_t type, std::string_view bytes) {
    rd_kafka_vu_t& part = add(type);
    part.u.mem.ptr = const_cast<char*>(bytes.data());  // only read: MSG_F_COPY
    part.u.mem.size = bytes.size();
  }
  const rd_kafka_vu_t* data() const noexcept { return parts_.data(); }
  std::size_t size() const noexcept { return count_; }

 private:
  static constexpr std::size_t kMost = 7;
  std::array<rd_kafka_vu_t, kMost> parts_;  // not zeroed: half a kilobyte a record
  std::size_t count_ = 0;
};

}  // namespace

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::make(const config::Sink& sink,
                                                           KafkaEvents& events) {
  config::KafkaConf conf = config::default_kafka_conf();
  std::vector<config::Option> options = sink.kafka.options;
  options.push_back({"bootstrap.servers", joined(sink.kafka.brokers), {}, {}});
  for (const config::Option& option : options) {
    if (const auto set = config::set_kafka_option(*conf, option); !set)
      return tl::unexpected(set.error());
  }
  rd_kafka_conf_set_log_cb(conf.get(), pass_log);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), pass_report);
  rd_kafka_conf_set_error_cb(conf.get(), pass_error);
  rd_kafka_conf_set_stats_cb(conf.get(), pass_statistics);
  rd_kafka_conf_set_opaque(conf.get(), &events);
  const auto linger = linger_of(*conf);
  std::array<char, kMostErrorBytes> why{};
  rd_kafka_t* handle = rd_kafka_new(RD_KAFKA_PRODUCER, conf.get(), why.data(), why.size());
  if (handle == nullptr) return fail(0, why.data());
  conf.release();  // the producer's now
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(handle, linger));
}

KafkaProducer::KafkaProducer(rd_kafka_s* handle, std::chrono::milliseconds linger)
    : handle_(handle), linger_(linger) {}

KafkaProducer::~KafkaProducer() {
  purge();
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(handle_);
}

rd_kafka_topic_s* KafkaProducer::topic(const std::string& name) {
  rd_kafka_topic_s*& topic = topics_[name];
  if (topic == nullptr) topic = rd_kafka_topic_new(handle_, name.c_str(), nullptr);
  return topic;
}

int KafkaProducer::produce(const KafkaRecord& record) {
  Parts parts;
  parts.add(RD_KAFKA_VTYPE_RKT).u.rkt = record.topic;
  parts.add(RD_KAFKA_VTYPE_VALUE, record.value);
  if (!record.key.empty()) parts.add(RD_KAFKA_VTYPE_KEY, record.key);
  parts.add(RD_KAFKA_VTYPE_TIMESTAMP).u.i64 = record.time_ms;
  parts.add(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
  parts.add(RD_KAFKA_VTYPE_OPAQUE).u.ptr = reinterpret_cast<void*>(record.id);
  rd_kafka_headers_t* headers = nullptr;
  if (record.headers != nullptr)
    parts.add(RD_KAFKA_VTYPE_HEADERS).u.headers = headers = rd_kafka_headers_copy(record.headers);
  rd_kafka_error_t* error = rd_kafka_produceva(handle_, parts.data(), parts.size());
  if (error == nullptr) return RD_KAFKA_RESP_ERR_NO_ERROR;
  if (headers != nullptr) rd_kafka_headers_destroy(headers);
  const int code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return code;
}

void KafkaProducer::serve(std::chrono::milliseconds wait) {
  rd_kafka_poll(handle_, static_cast<int>(wait.count()));
}

void KafkaProducer::purge() {
  rd_kafka_purge(
      handle_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

std::string KafkaProducer::fatal_error() const {
  std::array<char, kMostErrorBytes> why{};
  const auto error = rd_kafka_fatal_error(handle_, why.data(), why.size());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return kafka_error_text(error) + ": " + why.data();
}

std::string kafka_error_text(int error) {
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  return std::string(rd_kafka_err2str(code)) + " (" + rd_kafka_err2name(code) + ')';
}

}  // namespace penstock
