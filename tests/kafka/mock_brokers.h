#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace penstock::test {

inline constexpr std::int16_t kProduceApi = 0, kInitProducerIdApi = 22;

/// A message as a consumer reads it.
struct ReadMessage {
  std::string value, key;
  std::vector<std::string> headers;  ///< `name=value`
  std::int64_t time_ms = 0;

  friend bool operator==(const ReadMessage&, const ReadMessage&) = default;
};

/// librdkafka's mock cluster of one broker, within this process.
class MockBrokers {
 public:
  MockBrokers() {
    std::array<char, 512> why{};
    handle_ = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why.data(), why.size());
    REQUIRE(handle_ != nullptr);
    cluster_ = rd_kafka_mock_cluster_new(handle_, 1);
    REQUIRE(cluster_ != nullptr);
  }
  MockBrokers(const MockBrokers&) = delete;
  MockBrokers& operator=(const MockBrokers&) = delete;
  ~MockBrokers() {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(handle_);
  }

  std::string servers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  void topic(const std::string& name, int partitions = 1) {
    REQUIRE(rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, 1) ==
            RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void down() { rd_kafka_mock_broker_set_down(cluster_, 1); }
  void up() { rd_kafka_mock_broker_set_up(cluster_, 1); }
  void fail_next(std::int16_t api, rd_kafka_resp_err_t error, std::size_t times) {
    const std::vector<rd_kafka_resp_err_t> errors(times, error);
    rd_kafka_mock_push_request_errors_array(cluster_, api, errors.size(), errors.data());
  }

  /// All that is in partition 0 of a topic, in order.
  std::vector<ReadMessage> read(const std::string& topic) const {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    std::array<char, 512> why{};
    rd_kafka_conf_set(conf, "bootstrap.servers", servers().c_str(), why.data(), why.size());
    rd_kafka_conf_set(conf, "group.id", "reader", why.data(), why.size());
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", why.data(), why.size());
    rd_kafka_t* reader = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why.data(), why.size());
    REQUIRE(reader != nullptr);
    rd_kafka_topic_partition_list_t* parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, topic.c_str(), 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(reader, parts);
    rd_kafka_topic_partition_list_destroy(parts);
    std::vector<ReadMessage> all;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    for (bool end = false; !end;) {
      REQUIRE(std::chrono::steady_clock::now() < give_up);
      rd_kafka_message_t* message = rd_kafka_consumer_poll(reader, 100);
      if (message == nullptr) continue;
      end = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
      if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) all.push_back(as_read(*message));
      rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    return all;
  }

 private:
  static ReadMessage as_read(const rd_kafka_message_t& message) {
    ReadMessage read;
    read.value.assign(static_cast<const char*>(message.payload), message.len);
    read.key.assign(static_cast<const char*>(message.key), message.key_len);
    rd_kafka_timestamp_type_t type{};
    read.time_ms = rd_kafka_message_timestamp(&message, &type);
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return read;
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t at = 0;
         rd_kafka_header_get_all(headers, at, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++at)
      read.headers.push_back(std::string(name) + '=' +
                             std::string(static_cast<const char*>(value), size));
    return read;
  }

  rd_kafka_t* handle_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

}  // namespace penstock::test
