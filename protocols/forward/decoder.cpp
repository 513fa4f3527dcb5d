#include "protocols/forward/decoder.h"

#include <optional>
#include <string>

#include "protocols/acked/given_up.h"
#include "protocols/acked/pending_acks.h"
#include "protocols/compression/message.h"
#include "protocols/forward/entries.h"
#include "protocols/forward/handshake.h"
#include "protocols/forward/message.h"
#include "protocols/framed/policy.h"

namespace penstock {
namespace {

using forward::Message;
using forward::Mode;
using msgpack::ValueScan;

/// {"ack": ... without the chunk.
constexpr std::string_view kAckHead =
    "\x81\xa3"
    "ack";
constexpr std::string_view kHeartbeat("\0", 1);
/// Of a broken stream this much goes to the quarantine.
constexpr std::size_t kMaxKeptBytes = std::size_t{64} << 10;
/// Before the handshake is over nobody needs more.
constexpr std::size_t kMaxPingBytes = std::size_t{4} << 10;
/// Containers around a record in Forward mode: message, entries, entry.
constexpr unsigned kOuterDepth = 3;

class ForwardDecoder final : public Decoder {
 public:
  ForwardDecoder(const FramingOptions& framing, const ForwardOptions& options)
      : options_(options),
        scan_({.max_bytes = framing.max_frame_bytes, .max_depth = options.max_depth + kOuterDepth}),
        entries_(options.max_depth),
        decompressor_({.max_bytes = options.max_decompressed_bytes,
                       .max_ratio = options.max_decompressed_ratio,
                       .grace_bytes = kForwardGraceBytes,
                       .over_bytes = "more than forward.max_decompressed_bytes",
                       .over_ratio = "more than forward.max_decompressed_ratio"}) {}

  void on_open(const Peer&, Replies& replies) override {
    if (options_.secrets == nullptr) return;
    replies.send(handshake_.emplace(*options_.secrets).helo());
  }

  Consumed on_bytes(std::string_view input, Now, BatchWriter& writer, Replies& replies) override {
    said_goodbye_ = said_goodbye_ || (draining_ && quiescent());
    if (given_up_) return given_up_.discard(input, writer);
    std::string_view rest = input;
    while (!rest.empty()) {
      const ValueScan::Status status = scan_.run(rest);
      if (handshake_ && scan_.at() > kMaxPingBytes) {
        refuse_handshake({"a PING longer than 4 KiB"}, rest, writer);
        return given_up_.consumed(input.size());
      }
      if (status == ValueScan::Status::kNeedMore) break;
      if (status != ValueScan::Status::kWhole) {
        give_up_unfinished(status, rest, writer);
        return given_up_.consumed(input.size());
      }
      const std::string_view message = rest.substr(0, scan_.size());
      if (const Problem problem = take(message, writer, replies)) {
        given_up_.because(reason_, problem, rest, kMaxKeptBytes, writer);
        return given_up_.consumed(input.size());
      }
      scan_.restart();
      rest.remove_prefix(message.size());
    }
    unfinished_ = !rest.empty();
    return {.bytes = input.size() - rest.size()};
  }

  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies& replies) override {
    if (input == kHeartbeat && wire_bytes == input.size()) {
      ++writer.counts().framing_bytes;
      return replies.send(kHeartbeat);
    }
    refuse_datagram(input, wire_bytes, "a datagram that is no heartbeat, one byte 00", writer);
  }

  void on_end(EndReason cause, std::string_view tail, BatchWriter& writer) override {
    unfinished_ = false;
    if (cause == EndReason::kDeadline && !sender_keeps() && !given_up_ && !tail.empty())
      writer.reject(tail_reason(cause), tail);
    else
      given_up_.end(cause, tail, writer);
  }

  void on_complete(BatchId id, Outcome, Replies& replies) override {
    std::string answers;
    pending_.complete(id, [&](const std::string& chunk) { (answers += kAckHead) += chunk; });
    if (!answers.empty()) replies.send(answers);
  }

  void on_drain(Replies&) override { draining_ = true; }
  bool quiescent() const override { return pending_.empty() && !(draining_ && owes_an_answer()); }
  bool replies() const override { return true; }
  bool sender_keeps() const override { return asks_for_acks_; }
  bool wants_input() const override { return pending_.size() < kMaxPendingAcks; }

 private:
  /// The message that has begun may be a chunk: the first of its sender, or one of a sender that has sent some.
  bool owes_an_answer() const noexcept {
    return unfinished_ && !given_up_ && !said_goodbye_ && (asks_for_acks_ || !taken_);
  }

  void give_up_unfinished(ValueScan::Status status, std::string_view rest, BatchWriter& writer) {
    if (status == ValueScan::Status::kTooLong)
      given_up_.because(Reason::kOversize, {"a message longer than max_frame_bytes"}, rest,
                        kMaxKeptBytes, writer);
    else
      given_up_.because(Reason::kMalformed, {scan_.why(), scan_.at()}, rest, kMaxKeptBytes, writer);
  }

  void refuse_handshake(const Problem& problem, std::string_view rest, BatchWriter& writer) {
    given_up_.because(Reason::kRefused, problem, rest, kMaxPingBytes, writer);
  }

  /// One whole message. A problem: nothing was taken of it.
  Problem take(std::string_view bytes, BatchWriter& writer, Replies& replies) {
    if (handshake_) return take_ping(bytes, writer, replies);
    Message message;
    if (const Problem problem = forward::parse_message(bytes, scan_, message)) return problem;
    const bool asks = !message.chunk.empty();
    taken_ = true;
    asks_for_acks_ = asks_for_acks_ || asks;
    if (asks && said_goodbye_) {  // its sender sends it again
      writer.discard(Reason::kTailDeadline, bytes.size());
      return {};
    }
    if (const Problem problem = take_entries(bytes, message, writer)) return problem;
    if (asks) pending_.add(writer.acknowledge_later(), std::string(message.chunk));
    return {};
  }

  Problem take_ping(std::string_view bytes, BatchWriter& writer, Replies& replies) {
    const auto answer = handshake_->check(bytes, scan_);
    if (!answer.pong.empty()) replies.send(answer.pong);
    if (answer.why != nullptr) {
      reason_ = Reason::kRefused;
      return {answer.why};
    }
    handshake_.reset();
    writer.counts().framing_bytes += bytes.size();
    return {};
  }

  Problem take_entries(std::string_view bytes, const Message& message, BatchWriter& writer) {
    switch (message.mode) {
      case Mode::kHeartbeat: writer.counts().framing_bytes += bytes.size(); return {};
      case Mode::kMessage: return take_single(bytes, message, writer);
      case Mode::kForward:
      case Mode::kPacked: return take_many(bytes.size(), message, message.entries, writer);
      case Mode::kGzip:
      case Mode::kZstd: break;
    }
    return take_compressed(bytes.size(), message, writer);
  }

  Problem take_single(std::string_view bytes, const Message& message, BatchWriter& writer) {
    if (const Problem problem = entries_.find_single(message.entries)) {
      const auto offset = static_cast<std::size_t>(message.entries.data() - bytes.data());
      return {problem.why, problem.at + offset};
    }
    if (entries_.empty()) {
      writer.skip_empty();
      writer.counts().framing_bytes += bytes.size();
    } else if (message.has_option) {
      entries_.add_single(message.tag_value, message.tag, bytes.size(), writer);
    } else {
      entries_.add_whole(bytes, message.tag, writer);
    }
    return {};
  }

  /// `entries` lie in the message's bytes, or are what came out of them.
  Problem take_many(std::size_t framing_and_entries, const Message& message,
                    std::string_view entries, BatchWriter& writer) {
    const Problem problem = entries_.find(entries, message.tag.size());
    if (!problem) {
      entries_.add_all(message.tag_value, message.tag, writer);
      writer.counts().framing_bytes += framing_and_entries - entries.size();
    }
    entries_.trim();
    return problem;
  }

  Problem take_compressed(std::size_t message_bytes, const Message& message, BatchWriter& writer) {
    const Coding coding = message.mode == Mode::kGzip ? Coding::kGzip : Coding::kZstd;
    const TrimAtEnd trim(decompressor_);
    const auto done = decompressor_.decompress(coding, message.entries);
    if (!done.whole()) {
      reason_ = done.reason();
      return {done.why};
    }
    const Problem problem = take_many(message_bytes - message.entries.size() + done.bytes.size(),
                                      message, done.bytes, writer);
    if (!problem) {
      writer.counts().compressed_bytes += message.entries.size();
      writer.counts().decompressed_bytes += done.bytes.size();
    }
    return problem;
  }

  const ForwardOptions options_;
  ValueScan scan_;
  forward::Entries entries_;
  MessageDecompressor decompressor_;
  std::optional<forward::Handshake> handshake_;  // until it is over
  PendingAcks<std::string> pending_;             // chunks
  GivenUp given_up_;
  Reason reason_ = Reason::kMalformed;  // of the next problem
  bool draining_ = false;
  bool said_goodbye_ = false;   // a stop, and no chunk that comes now could be answered any more
  bool asks_for_acks_ = false;  // there has been a chunk
  bool taken_ = false;          // there has been a message
  bool unfinished_ = false;     // the last read ended inside a message
};

}  // namespace

std::unique_ptr<Decoder> make_forward_decoder(const FramingOptions& framing,
                                              const ForwardOptions& options) {
  return std::make_unique<ForwardDecoder>(framing, options);
}

}  // namespace penstock
