#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/pipeline/sink.h"
#include "server/sinks/message_headers.h"
#include "server/sinks/message_value.h"
#include "server/sinks/nats/flight_table.h"
#include "server/sinks/nats/nats_counters.h"
#include "server/sinks/nats/nats_link.h"
#include "server/sinks/pending_batch.h"
#include "server/sinks/record_template.h"

namespace penstock {

/// `type = "nats"`: each record a message to a stream of JetStream. Delivered means that a stream has acknowledged every
/// record of the batch.
///
/// libnats only carries the messages. What is not acknowledged stands in a table of the sink's own, and is sent again,
/// under the same Nats-Msg-Id, when the connection ends, when no answer comes in time, or when the answer is an error: the
/// stream then knows what it has already. Without any answer in that time the server is left for another one.
class NatsSink final : public Sink, private NatsEvents {
 public:
  explicit NatsSink(const config::Sink& config);

  Result<void> open() override;  ///< does not wait for any server
  WriteStatus write(const Batch& batch) override;
  std::size_t window() const noexcept override { return kWindow; }
  std::vector<Finished> poll(std::chrono::milliseconds wait) override;
  std::vector<FrameRange> abandon(const Batch& batch) override;
  std::vector<Undeliverable> undeliverable(const Batch& batch) override;
  void tick() override;
  Result<void> close() override;
  std::string last_error() const override { return error_; }
  std::vector<SinkMeasure> measures() const override { return counters_.measures(); }

 private:
  using Clock = std::chrono::steady_clock;
  using RecordId = FlightTable::Id;

  /// What is in flight limits it first, unless batches are small.
  static constexpr std::size_t kWindow = 256;
  static constexpr std::size_t kMostBytesInFlight = std::size_t{16} << 20;
  /// Without a connection for so long, or any acknowledgement, the trouble is told.
  static constexpr std::chrono::milliseconds kPatience{1000};
  /// When the sink was not called for so long, answers that have come are read before anything counts as late.
  static constexpr std::chrono::milliseconds kLongPause{200};

  /// What a segment's records have in common, as long as the subject does not look at the records themselves.
  struct Parts {
    const Segment* segment = nullptr;
    std::string subject;
    std::array<MessageHeader, 4> headers;
    std::size_t header_bytes = 0;  // of all of a record but the value of Nats-Msg-Id
  };

  void on_up() override;
  void on_down() override;
  void on_answer(natsMsg& message) override;

  void advance(std::chrono::milliseconds wait);
  void expire(Clock::time_point now);
  void take_back(RecordId id);
  void take_answer(PendingBatch& held, std::size_t frame, RecordId id, natsMsg& message);
  void take_refusal(PendingBatch& held, std::size_t frame, RecordId id, std::string text);
  void take_error(PendingBatch& held, std::size_t frame, RecordId id, std::string text);

  void ask_for_stream(Clock::time_point now);
  void take_stream_answer(natsMsg& message);

  void send();
  bool publish(PendingBatch& held, const Segment& segment, std::size_t frame);
  natsStatus publish(const std::string& id, const std::string& reply, std::string_view value);
  void update_parts(const Batch& batch, const Segment& segment, std::size_t frame);
  bool has_room();

  bool stalled(Clock::time_point now) const;
  std::string stall_text(Clock::time_point now) const;
  void show_flights();

  const config::Sink config_;
  MessageValue value_;
  RecordTemplate subject_template_;
  NatsCounters counters_;
  FlightTable flights_;
  PendingBatches batches_;
  std::string run_;  // the beginning of a Nats-Msg-Id that is of this run alone
  bool stream_known_ = false;
  std::string stream_trouble_;
  Clock::time_point ask_again_at_;
  bool written_ = false;           // since the last poll(): there may be more to take
  Clock::time_point advanced_at_;  // the last advance()
  Clock::time_point
      answered_at_;  // the last answer, or the first record sent since the connection was made
  Clock::time_point
      progress_at_;  // the last record acknowledged, or the first batch that waits for it
  std::string error_;
  Parts parts_;  // of the last record
  NatsLink link_;
};

}  // namespace penstock
