#include "server/sinks/nats/nats_sink.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "server/config/nats_subject.h"
#include "server/log/log.h"
#include "server/sinks/nats/nats_answer.h"
#include "server/sinks/nats/nats_settings.h"
#include "server/sinks/nats/nats_subject.h"

namespace penstock {
namespace {

using State = PendingBatch::State;

constexpr const char* kIdHeader = "Nats-Msg-Id";
constexpr const char* kStreamHeader = "Nats-Expected-Stream";
constexpr std::string_view kStreamToken = "stream";  // where the answer about the stream goes
constexpr std::size_t kHeaderFrame = std::string_view("NATS/1.0\r\n\r\n").size();

FlightTable::Id record_id(std::uint32_t number, std::size_t frame) noexcept {
  return std::uint64_t{number} << 32 | frame;
}
std::uint32_t number_of(FlightTable::Id id) noexcept {
  return static_cast<std::uint32_t>(id >> 32);
}
std::size_t frame_of(FlightTable::Id id) noexcept { return id & UINT32_MAX; }

std::string_view data_of(const natsMsg& message) {
  return {natsMsg_GetData(&message), static_cast<std::size_t>(natsMsg_GetDataLength(&message))};
}

/// `Name: value` and the line's end.
std::size_t header_bytes(std::string_view name, std::size_t value_bytes) noexcept {
  return name.size() + value_bytes + std::string_view(": \r\n").size();
}

/// One that outlives this process where the record's place in a queue on disk does, else `of_this_run`.
std::string message_id_of(const Batch& batch, std::size_t frame, std::string of_this_run) {
  if (!batch.kept_as) return of_this_run;
  constexpr int kHexadecimal = 16;
  char epoch[2 * sizeof batch.kept_as->epoch];
  const auto end =
      std::to_chars(epoch, epoch + sizeof epoch, batch.kept_as->epoch, kHexadecimal).ptr;
  return std::string(epoch, end) + "." + std::to_string(batch.kept_as->first_record + frame);
}

/// What STREAM.CREATE of JetStream's API takes. The names hold nothing that JSON escapes.
std::string stream_order(const config::NatsSink& nats, const std::string& subjects) {
  const bool file = nats.storage == config::NatsStorage::kFile;
  return R"({"name":")" + nats.stream + R"(","subjects":[")" + subjects +
         R"("],"retention":"limits","discard":"old","max_consumers":-1,"max_msgs":-1,)" +
         R"("max_bytes":-1,"storage":")" + (file ? "file" : "memory") + R"(","num_replicas":)" +
         std::to_string(nats.replicas) + "}";
}

}  // namespace

NatsSink::NatsSink(const config::Sink& config)
    : config_(config),
      value_(config),
      subject_template_(RecordTemplate::checked(config.nats.subject, config.timezone)),
      flights_(config.nats.ack_timeout),
      link_(config_, *this) {}

Result<void> NatsSink::open() {
  if (auto opened = link_.open(); !opened)
    return fail(opened.error().code, "sink \"" + config_.name + "\": " + opened.error().message);
  run_ = link_.inbox().substr(link_.inbox().rfind('.') + 1);  // 22 characters that are random
  return {};
}

Result<void> NatsSink::close() {
  link_.close();
  return {};
}

// ---- what the runner calls

WriteStatus NatsSink::write(const Batch& batch) {
  if (batches_.empty()) progress_at_ = Clock::now();
  PendingBatch& held = batches_.begin(batch);
  parts_.segment = nullptr;  // another batch may lie where one did
  written_ = true;
  advance(std::chrono::milliseconds(0));
  const WriteStatus status = batches_.settle(held);
  const auto now = Clock::now();
  if (status != WriteStatus::kPending || !stalled(now)) return status;
  held.pending = false;
  error_ = stall_text(now);
  return WriteStatus::kRetry;
}

std::vector<Finished> NatsSink::poll(std::chrono::milliseconds wait) {
  if (std::exchange(written_, false)) wait = std::chrono::milliseconds(0);
  const auto end = Clock::now() + wait;
  for (;;) {
    advance(wait);
    std::vector<Finished> finished = batches_.take_ended();
    const auto now = Clock::now();
    if (finished.empty() && stalled(now) && batches_.give_back_oldest(finished))
      error_ = stall_text(now);
    if (!finished.empty() || now >= end) return finished;
    wait = std::chrono::ceil<std::chrono::milliseconds>(end - now);
  }
}

std::vector<FrameRange> NatsSink::abandon(const Batch& batch) {
  link_.serve(std::chrono::milliseconds(0));  // and nothing more is sent
  return batches_.abandon(batch);
}

std::vector<Undeliverable> NatsSink::undeliverable(const Batch& batch) {
  return batches_.undeliverable(value_.encoder(), batch);
}

void NatsSink::tick() { advance(std::chrono::milliseconds(0)); }

void NatsSink::advance(std::chrono::milliseconds wait) {
  link_.serve(wait);
  const auto now = Clock::now();
  // After a pause of the runner the call that follows at once, of tick(), expires what is late then.
  if (now - std::exchange(advanced_at_, now) < kLongPause + wait) expire(now);
  ask_for_stream(now);
  send();
  link_.push();
  show_flights();
}

// ---- what has become of records

void NatsSink::on_up() {
  counters_.set(NatsCounters::kConnected, 1);
  counters_.add(NatsCounters::kConnections);
  stream_known_ = !config_.nats.create_stream;
  ask_again_at_ = {};
}

void NatsSink::on_down() {
  counters_.set(NatsCounters::kConnected, 0);
  counters_.add(NatsCounters::kResentRecords, batches_.totals().sent);
  flights_.clear();
  for (PendingBatch& held : batches_) held.take_back(held.number());
}

void NatsSink::on_answer(natsMsg& message) {
  answered_at_ = Clock::now();
  std::string_view token = natsMsg_GetSubject(&message);
  token.remove_prefix(std::min(token.size(), link_.inbox().size() + 1));
  if (token == kStreamToken) return take_stream_answer(message);
  RecordId id = 0;
  if (std::from_chars(token.data(), token.data() + token.size(), id).ec != std::errc()) return;
  PendingBatch* const held = batches_.find(number_of(id));
  if (held == nullptr || frame_of(id) >= held->batch().frames.size()) return;  // abandoned
  const State state = held->state(frame_of(id));
  if (state == State::kSent || state == State::kWaiting)
    take_answer(*held, frame_of(id), id, message);
}

/// An answer that comes late, when its record waits to be sent again, is as good as any.
void NatsSink::take_answer(PendingBatch& held, std::size_t frame, RecordId id, natsMsg& message) {
  if (natsMsg_IsNoResponders(&message))
    return take_error(held, frame, id,
                      "no stream takes this subject, or it has no leader at the moment");
  NatsAnswer answer = read_nats_answer(data_of(message));
  switch (answer.kind) {
    case NatsAnswer::Kind::kDuplicate:
      counters_.add(NatsCounters::kDuplicateRecords);
      [[fallthrough]];
    case NatsAnswer::Kind::kStored:
      counters_.add(NatsCounters::kAckedRecords);
      flights_.end(id);
      held.set(frame, State::kDelivered);
      progress_at_ = Clock::now();
      return;
    case NatsAnswer::Kind::kRefused:
      counters_.add(NatsCounters::kErrors);
      return take_refusal(held, frame, id, std::move(answer.text));
    case NatsAnswer::Kind::kError: return take_error(held, frame, id, std::move(answer.text));
  }
}

void NatsSink::take_refusal(PendingBatch& held, std::size_t frame, RecordId id, std::string text) {
  flights_.end(id);
  held.refuse(frame, std::move(text));
  progress_at_ = Clock::now();
}

void NatsSink::take_error(PendingBatch& held, std::size_t frame, RecordId id, std::string text) {
  counters_.add(NatsCounters::kErrors);
  if (!flights_.end(id)) return;  // of an attempt that was given up already
  counters_.add(NatsCounters::kResentRecords);
  held.take_back(frame);
  held.failed = true;
  stream_known_ = stream_known_ && !config_.nats.create_stream;
  const Segment& segment = held.batch().segments[0];
  error_ = "publish a record of listener " + segment.origin->listener + ": " + text;
}

void NatsSink::expire(Clock::time_point now) {
  bool any = false;
  flights_.expire(now, [&](RecordId id) {
    any = true;
    take_back(id);
  });
  if (!any || now - answered_at_ < config_.nats.ack_timeout) return;
  std::string why = "no answer for " + std::to_string(config_.nats.ack_timeout.count()) + " ms";
  if (const std::string trouble = link_.trouble(); !trouble.empty()) why += ": " + trouble;
  link_.drop(why);
}

void NatsSink::take_back(RecordId id) {
  counters_.add(NatsCounters::kAckTimeouts);
  PendingBatch* const held = batches_.find(number_of(id));
  if (held == nullptr || held->state(frame_of(id)) != State::kSent) return;
  counters_.add(NatsCounters::kResentRecords);
  held->take_back(frame_of(id));
}

// ---- the stream

/// Where it is to be made, nothing is sent before it is known to be there.
void NatsSink::ask_for_stream(Clock::time_point now) {
  if (!link_.up() || stream_known_ || now < ask_again_at_) return;
  ask_again_at_ = now + config_.nats.ack_timeout;
  const auto parts = config::parse_record_template(config_.nats.subject);
  const std::string order = stream_order(config_.nats, config::nats_wildcard(*parts));
  const std::string subject = "$JS.API.STREAM.CREATE." + config_.nats.stream;
  const std::string reply = link_.inbox() + "." + std::string(kStreamToken);
  natsMsg* made = nullptr;
  if (natsMsg_Create(&made, subject.c_str(), reply.c_str(), order.data(),
                     static_cast<int>(order.size())) != NATS_OK)
    return;
  const NatsMessage message(made);
  link_.publish(*message, order.size());
}

void NatsSink::take_stream_answer(natsMsg& message) {
  const std::string why = natsMsg_IsNoResponders(&message) ? "JetStream is not there at the moment"
                                                           : why_no_stream(data_of(message));
  stream_known_ = why.empty();
  stream_trouble_ = why.empty() ? "" : "make stream " + config_.nats.stream + ": " + why;
}

// ---- sending

void NatsSink::send() {
  if (!link_.up() || !stream_known_) return;
  for (PendingBatch& held : batches_) {
    if (held.failed) continue;
    const auto publish_one = [&](const Segment& segment, std::size_t frame) {
      return publish(held, segment, frame);
    };
    if (!held.send_waiting(value_.encoder(), publish_one)) return;
  }
}

bool NatsSink::has_room() {
  return flights_.size() < config_.nats.max_in_flight && flights_.bytes() < kMostBytesInFlight &&
         link_.has_room();
}

/// False when no more can be sent now.
bool NatsSink::publish(PendingBatch& held, const Segment& segment, std::size_t frame) {
  if (!has_room()) return false;
  const Batch& batch = held.batch();
  update_parts(batch, segment, frame);
  const std::string_view value = value_.of(batch, segment, frame);
  const RecordId id = record_id(held.number(), frame);
  const std::string digits = std::to_string(id);
  const std::string message_id = message_id_of(batch, frame, run_ + "." + digits);
  const std::size_t bytes = value.size() + parts_.header_bytes + message_id.size();
  if (std::cmp_greater(bytes, link_.most_payload_bytes())) {
    take_refusal(held, frame, id,
                 "larger than the server's max_payload of " +
                     std::to_string(link_.most_payload_bytes()) + " bytes");
    return true;
  }
  const natsStatus status = publish(message_id, link_.inbox() + "." + digits, value);
  if (status != NATS_OK) {
    link_.drop("publish: " + nats_error_text(status));
    return false;
  }
  const auto now = Clock::now();
  if (flights_.size() == 0) answered_at_ = now;
  flights_.add(id, value.size(), now);
  held.set(frame, State::kSent);
  counters_.add(NatsCounters::kPublishedRecords);
  counters_.add(NatsCounters::kPublishedBytes, value.size());
  return true;
}

natsStatus NatsSink::publish(const std::string& id, const std::string& reply,
                             std::string_view value) {
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, parts_.subject.c_str(), reply.c_str(), value.data(),
                                     static_cast<int>(value.size()));
  if (status != NATS_OK) return status;
  const NatsMessage message(made);
  status = natsMsgHeader_Set(made, kIdHeader, id.c_str());
  if (status == NATS_OK && !config_.nats.stream.empty())
    status = natsMsgHeader_Set(made, kStreamHeader, config_.nats.stream.c_str());
  if (config_.headers) {
    for (const MessageHeader& header : parts_.headers) {
      if (status == NATS_OK)
        status = natsMsgHeader_Set(made, header.name.data(), header.value.c_str());
    }
  }
  return status == NATS_OK ? link_.publish(*made, parts_.header_bytes + value.size()) : status;
}

void NatsSink::update_parts(const Batch& batch, const Segment& segment, std::size_t frame) {
  const bool same = parts_.segment == &segment;
  if (!same || subject_template_.by_record()) {
    parts_.subject.clear();
    subject_template_.append(batch, segment, frame, parts_.subject, make_subject_part);
    limit_subject(parts_.subject);
  }
  if (same) return;
  parts_.segment = &segment;
  parts_.header_bytes = kHeaderFrame + header_bytes(kIdHeader, 0);
  if (const std::string& stream = config_.nats.stream; !stream.empty())
    parts_.header_bytes += header_bytes(kStreamHeader, stream.size());
  if (!config_.headers) return;
  parts_.headers = message_headers(segment);
  for (MessageHeader& header : parts_.headers) {
    make_header_line(header.value);
    parts_.header_bytes += header_bytes(header.name, header.value.size());
  }
}

// ---- trouble

bool NatsSink::stalled(Clock::time_point now) const {
  if (batches_.empty()) return false;
  const auto patience = link_.up() ? std::max(config_.nats.ack_timeout, kPatience) : kPatience;
  return now - progress_at_ >= patience;
}

std::string NatsSink::stall_text(Clock::time_point now) const {
  const auto since = std::chrono::duration_cast<std::chrono::seconds>(now - progress_at_);
  std::string text = "no record was acknowledged for " + std::to_string(since.count()) + " s";
  const std::string trouble = stream_trouble_.empty() ? link_.trouble() : stream_trouble_;
  return trouble.empty() ? text : text + "; " + trouble;
}

void NatsSink::show_flights() {
  counters_.set(NatsCounters::kInFlightRecords, flights_.size());
  counters_.set(NatsCounters::kInFlightBytes, flights_.bytes());
}

}  // namespace penstock
