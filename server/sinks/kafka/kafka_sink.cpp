#include "server/sinks/kafka/kafka_sink.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <utility>

#include "server/log/log.h"

namespace penstock {
namespace {

using State = PendingBatch::State;

constexpr std::int64_t kNanosPerMillisecond = 1'000'000;
constexpr std::size_t kMostTopicBytes = 249;  // of Kafka

KafkaRecordId name_of(std::uint32_t number, std::size_t frame) noexcept {
  return std::uint64_t{number} << 32 | frame;
}

/// This record can never be taken as it is.
bool is_refusal(int error) noexcept {
  switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION: return true;
    default: return false;
  }
}

/// A topic's name may hold `[A-Za-z0-9._-]` alone: other bytes become `_`.
void make_topic_name(std::string& text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  if (text.size() > kMostTopicBytes) text.resize(kMostTopicBytes);
  for (char& c : text) {
    if (!fits(c)) c = '_';
  }
  if (text.empty() || text == "." || text == "..") text = "_";
}

}  // namespace

KafkaSink::KafkaSink(const config::Sink& config)
    : config_(config),
      value_(config),
      topic_template_(RecordTemplate::checked(config.kafka.topic, config.timezone)),
      key_template_(RecordTemplate::checked(config.kafka.key, config.timezone)) {}

KafkaSink::~KafkaSink() = default;

// ---- the producer

Result<void> KafkaSink::open() {
  if (auto made = make_producer(); !made)
    return fail(made.error().code, "sink \"" + config_.name + "\": " + made.error().message);
  return {};
}

Result<void> KafkaSink::make_producer() {
  auto made = KafkaProducer::make(config_, *this);
  if (!made) return fail(made.error().code, "make a Kafka producer: " + made.error().message);
  producer_ = std::move(*made);
  statistics_.begin_producer();
  return {};
}

bool KafkaSink::has_producer() {
  if (producer_ != nullptr) return true;
  const auto made = make_producer();
  if (!made) error_ = made.error().message;
  return made.has_value();
}

/// A producer that has ended by a fatal error gives way.
void KafkaSink::bury_producer() {
  if (producer_ == nullptr) return;
  if (const std::string why = producer_->fatal_error(); !why.empty()) end_producer(why);
}

/// The next write() makes another. What was on its way may be there already: it is produced again all the same.
void KafkaSink::end_producer(const std::string& why) {
  log::error("kafka producer ended by a fatal error, making a new one",
             {{"sink", config_.name}, {"reason", why}});
  error_ = "fatal error of the Kafka producer: " + why;
  parts_ = {};
  producer_.reset();
  for (PendingBatch& held : batches_) {
    held.take_back(batches_.next_number());
    held.failed = !held.ended();
  }
}

// ---- batches

WriteStatus KafkaSink::write(const Batch& batch) {
  bury_producer();
  PendingBatch& held = batches_.begin(batch);
  parts_.segment = nullptr;  // another batch may lie where one did
  written_ = true;
  if (!has_producer()) held.failed = true;
  go_on();
  if (producer_ != nullptr) producer_->serve(std::chrono::milliseconds(0));
  const WriteStatus status = batches_.settle(held);
  if (status != WriteStatus::kPending || !stalled()) return status;
  held.pending = false;
  error_ = stall_text();
  return WriteStatus::kRetry;
}

std::vector<Finished> KafkaSink::poll(std::chrono::milliseconds wait) {
  if (std::exchange(written_, false)) wait = std::chrono::milliseconds(0);
  go_on();
  if (producer_ != nullptr) producer_->serve(wait);
  bury_producer();
  go_on();
  std::vector<Finished> finished = batches_.take_ended();
  if (finished.empty() && stalled() && batches_.give_back_oldest(finished)) error_ = stall_text();
  return finished;
}

std::vector<Undeliverable> KafkaSink::undeliverable(const Batch& batch) {
  return batches_.undeliverable(value_.encoder(), batch);
}

std::vector<FrameRange> KafkaSink::abandon(const Batch& batch) {
  if (producer_ != nullptr && batches_.find(batch) != nullptr) {
    producer_->serve(std::chrono::milliseconds(0));
    producer_->purge();  // or it would go out after all, beside what is left over
  }
  return batches_.abandon(batch);
}

void KafkaSink::tick() {
  if (producer_ != nullptr) producer_->serve(std::chrono::milliseconds(0));
}

Result<void> KafkaSink::close() {
  parts_ = {};
  producer_.reset();
  return {};
}

// ---- records

void KafkaSink::on_report(KafkaRecordId record, int error) {
  PendingBatch* held = batches_.find(static_cast<std::uint32_t>(record >> 32));
  if (held == nullptr) return;  // abandoned
  const auto frame = static_cast<std::size_t>(record & UINT32_MAX);
  const bool alone = held->state(frame) == State::kAlone;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    held->set(frame, State::kDelivered);
    progress_at_ = Clock::now();
    trouble_.clear();
  } else if (is_refusal(error)) {
    progress_at_ = Clock::now();
    alone ? held->refuse(frame, kafka_error_text(error)) : held->set(frame, State::kSuspect);
  } else {
    held->set(frame, alone ? State::kSuspect : State::kWaiting);
    held->failed = true;
    error_ = "deliver a record: " + kafka_error_text(error);
    if (!trouble_.empty()) error_ += "; " + trouble_;
  }
}

/// Hands over what waits, as far as librdkafka has room. Suspects first, one at a time and with nothing else on its way.
void KafkaSink::go_on() {
  if (producer_ == nullptr) return;
  if (batches_.totals().suspects != 0) {
    if (batches_.totals().sent != 0) return;
    const auto at = std::find_if(batches_.begin(), batches_.end(), [](const PendingBatch& held) {
      return held.suspects() != 0 && !held.failed;
    });
    if (at != batches_.end()) produce_suspect(*at);
    return;
  }
  for (PendingBatch& held : batches_) {
    if (held.failed) continue;
    const auto send = [&](const Segment& segment, std::size_t frame) {
      return take_answer(held, frame, State::kSent, produce(held, segment, frame));
    };
    if (!held.send_waiting(value_.encoder(), send)) return;
  }
}

void KafkaSink::produce_suspect(PendingBatch& held) {
  const std::size_t frame = held.find(State::kSuspect);
  take_answer(held, frame, State::kAlone, produce(held, held.segment_of(frame), frame));
}

int KafkaSink::produce(PendingBatch& held, const Segment& segment, std::size_t frame) {
  const Batch& batch = held.batch();
  update_parts(batch, segment, frame);
  if (parts_.topic == nullptr) return RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
  KafkaRecord record;
  record.topic = parts_.topic;
  record.key = parts_.key;
  record.value = value_.of(batch, segment, frame);
  record.time_ms = segment.time_ns / kNanosPerMillisecond;
  record.headers = parts_.headers.get();
  record.id = name_of(held.number(), frame);
  return producer_->produce(record);
}

/// Of produce(): false when librdkafka takes no more now.
bool KafkaSink::take_answer(PendingBatch& held, std::size_t frame, State sent_as, int error) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (batches_.totals().sent == 0) progress_at_ = Clock::now();
    held.set(frame, sent_as);
    return true;
  }
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) return false;
  if (is_refusal(error)) {
    held.refuse(frame, kafka_error_text(error));
    return true;
  }
  held.failed = true;
  error_ = "produce a record: " + kafka_error_text(error);
  return false;
}

void KafkaSink::update_parts(const Batch& batch, const Segment& segment, std::size_t frame) {
  const bool same = parts_.segment == &segment;
  if (!same || topic_template_.by_record()) {
    topic_name_.clear();
    topic_template_.append(batch, segment, frame, topic_name_);
    make_topic_name(topic_name_);
    parts_.topic = producer_->topic(topic_name_);
  }
  if (!same || key_template_.by_record()) {
    parts_.key.clear();
    key_template_.append(batch, segment, frame, parts_.key);
  }
  if (!same && config_.headers) parts_.headers = headers_of(segment);
  parts_.segment = &segment;
}

// ---- trouble

/// Something is on its way, and nothing has come of it for long.
bool KafkaSink::stalled() const {
  if (batches_.totals().sent == 0 || producer_ == nullptr) return false;
  const auto patience = trouble_.empty() ? kPatience : kPatienceInTrouble;
  return Clock::now() - progress_at_ >= patience + producer_->linger();
}

std::string KafkaSink::stall_text() const {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - progress_at_);
  std::string text = "no record was confirmed for " + std::to_string(since.count()) + " s";
  return trouble_.empty() ? text : text + "; " + trouble_;
}

}  // namespace penstock
