#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/config.h"
#include "server/pipeline/sink.h"
#include "server/sinks/kafka/kafka_headers.h"
#include "server/sinks/kafka/kafka_producer.h"
#include "server/sinks/kafka/kafka_statistics.h"
#include "server/sinks/message_value.h"
#include "server/sinks/pending_batch.h"
#include "server/sinks/record_template.h"

namespace penstock {

/// `type = "kafka"`: each record a message, by an idempotent producer with acks=all. Delivered means that a delivery report
/// has said so of every record of the batch.
///
/// librdkafka keeps on trying by itself for as long as brokers are away: then nothing is produced twice, and the sink
/// only says kRetry so that the trouble is seen. What librdkafka does give up on (message.timeout.ms, a topic that is not
/// there, a producer that ended by a fatal error) is produced again, and only that of a batch. A message that can never
/// be taken (too large) is refused. Brokers refuse a request as a whole, so its messages are then tried one by one.
class KafkaSink final : public Sink, private KafkaEvents {
 public:
  explicit KafkaSink(const config::Sink& config);
  KafkaSink(const KafkaSink&) = delete;
  KafkaSink& operator=(const KafkaSink&) = delete;
  ~KafkaSink() override;

  Result<void> open() override;  ///< does not wait for any broker
  WriteStatus write(const Batch& batch) override;
  std::size_t window() const noexcept override { return kWindow; }
  std::vector<Finished> poll(std::chrono::milliseconds wait) override;
  std::vector<FrameRange> abandon(const Batch& batch) override;
  std::vector<Undeliverable> undeliverable(const Batch& batch) override;
  void tick()
      override;  ///< takes what librdkafka tells while nothing is pending: statistics, trouble
  Result<void> close() override;
  std::string last_error() const override { return error_; }
  std::vector<SinkMeasure> measures() const override { return statistics_.measures(); }

 private:
  using Clock = std::chrono::steady_clock;

  /// What its queue holds limits it first, unless batches are small.
  static constexpr std::size_t kWindow = 256;
  /// Without any report for so long something is wrong, though librdkafka says nothing.
  static constexpr std::chrono::milliseconds kPatience{5000};
  /// The same, when librdkafka has told of trouble.
  static constexpr std::chrono::milliseconds kPatienceInTrouble{1000};

  /// What a segment's records have in common, as long as the templates do not look at the records themselves.
  struct Parts {
    const Segment* segment = nullptr;
    rd_kafka_topic_s* topic = nullptr;
    std::string key;
    KafkaHeaders headers;
  };

  void on_report(KafkaRecordId record, int error) override;
  void on_trouble(std::string text) override { trouble_ = std::move(text); }
  void on_statistics(std::string_view json) override { statistics_.take(json); }

  Result<void> make_producer();
  bool has_producer();
  void bury_producer();
  void end_producer(const std::string& why);

  void go_on();
  void produce_suspect(PendingBatch& held);
  int produce(PendingBatch& held, const Segment& segment, std::size_t frame);
  bool take_answer(PendingBatch& held, std::size_t frame, PendingBatch::State sent_as, int error);
  void update_parts(const Batch& batch, const Segment& segment, std::size_t frame);
  bool stalled() const;
  std::string stall_text() const;

  const config::Sink config_;
  MessageValue value_;
  RecordTemplate topic_template_, key_template_;
  KafkaStatistics statistics_;
  std::unique_ptr<KafkaProducer> producer_;  // null: the next write() makes one
  PendingBatches batches_;
  bool written_ = false;           // since the last poll(): there may be more to take
  Clock::time_point progress_at_;  // the last record delivered, or the first one sent
  std::string trouble_;            // what librdkafka has told since
  std::string error_;

  Parts parts_;  // of the last record
  std::string topic_name_;
};

}  // namespace penstock
