#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "protocols/core/result.h"
#include "server/config/config.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;
struct rd_kafka_headers_s;

namespace penstock {

/// Names one record on its way, as the one who produces it likes.
using KafkaRecordId = std::uint64_t;

/// Told in KafkaProducer::serve, on the thread that calls it.
struct KafkaEvents {
  virtual ~KafkaEvents() = default;
  /// What became of a record; `error` is a rd_kafka_resp_err_t, 0: all replicas in sync have it.
  virtual void on_report(KafkaRecordId record, int error) = 0;
  /// Something is wrong with a broker or the connection to it; librdkafka goes on trying.
  virtual void on_trouble(std::string text) = 0;
  virtual void on_statistics(std::string_view json) = 0;
};

/// A record as produce() takes it. Views; librdkafka copies what it keeps.
struct KafkaRecord {
  rd_kafka_topic_s* topic = nullptr;
  std::string_view key;  ///< empty: none
  std::string_view value;
  std::int64_t time_ms = 0;
  const rd_kafka_headers_s* headers = nullptr;  ///< null: none
  KafkaRecordId id = 0;
};

/// One producer of librdkafka, from rd_kafka_new to rd_kafka_destroy. One thread; librdkafka has its own behind it.
class KafkaProducer {
 public:
  /// Connects later, by itself. `events` outlives it. An error says what librdkafka has against the settings.
  static Result<std::unique_ptr<KafkaProducer>> make(const config::Sink& sink, KafkaEvents& events);
  KafkaProducer(const KafkaProducer&) = delete;
  KafkaProducer& operator=(const KafkaProducer&) = delete;
  /// Gives up on what has not been reported; nothing is told any more.
  ~KafkaProducer();

  /// Lives as long as the producer. Null: librdkafka refuses the name.
  rd_kafka_topic_s* topic(const std::string& name);

  /// Hands a record over; on_report tells the rest of it. Else a rd_kafka_resp_err_t.
  int produce(const KafkaRecord& record);

  /// Waits for something to tell, at most so long, and tells all there is.
  void serve(std::chrono::milliseconds wait);

  /// Takes back what waits and gives up on what was sent; their reports follow.
  void purge();

  /// Empty: none. Otherwise this producer will never send again, and a new one must.
  std::string fatal_error() const;

  /// How long librdkafka may hold a record back to send others with it.
  std::chrono::milliseconds linger() const noexcept { return linger_; }

 private:
  KafkaProducer(rd_kafka_s* handle, std::chrono::milliseconds linger);

  rd_kafka_s* const handle_;
  const std::chrono::milliseconds linger_;
  std::unordered_map<std::string, rd_kafka_topic_s*> topics_;
};

/// An error of librdkafka as its manual names it, and in words.
std::string kafka_error_text(int error);

}  // namespace penstock
