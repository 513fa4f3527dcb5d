#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "protocols/core/decoder.h"

namespace penstock::test {

struct AckOptions {
  std::size_t every = 1;    ///< frames an acknowledgement
  std::size_t padding = 0;  ///< bytes added to each
  std::chrono::milliseconds tick{
      0};  ///< this long after a read, or while it is held up, it says `tick`; 0: never
  std::size_t most = static_cast<std::size_t>(-1);  ///< frames that wait, before it wants no more
  bool keeps = true;                                ///< Decoder::sender_keeps
};

/// A protocol that answers: `hello` at the start, `ack N` once the first N frames are delivered, `bye` at a stop. Lines
/// on streams, of which `broken` ends it; a frame each packet.
class AckDecoder final : public Decoder {
 public:
  explicit AckDecoder(const AckOptions& options) : options_(options) {}

  void on_open(const Peer&, Replies& replies) override { replies.send("hello\n"); }

  Consumed on_bytes(std::string_view input, Now now, BatchWriter& writer, Replies&) override {
    std::size_t consumed = 0;
    for (auto end = input.find('\n'); end != input.npos; end = input.find('\n', consumed)) {
      if (input.substr(consumed, end - consumed) == "broken") return {consumed, "a broken frame"};
      writer.counts().framing_bytes += 1;
      take(input.substr(consumed, end - consumed), writer);
      consumed = end + 1;
    }
    arm(now);
    return {consumed};
  }
  void on_datagram(std::string_view input, std::size_t, Now now, BatchWriter& writer,
                   Replies&) override {
    take(input, writer);
    arm(now);
  }
  void on_end(EndReason, std::string_view tail, BatchWriter& writer) override {
    if (!tail.empty()) writer.reject(Reason::kTailFin, tail);
  }

  void on_complete(BatchId id, Outcome, Replies& replies) override {
    while (!awaited_.empty() && awaited_.front().first <= id) {
      replies.send("ack " + std::to_string(awaited_.front().second) +
                   std::string(options_.padding, '.') + "\n");
      awaited_.pop_front();
    }
  }
  void on_drain(Replies& replies) override { replies.send("bye\n"); }
  bool quiescent() const override { return awaited_.empty(); }
  bool replies() const override { return true; }
  bool sender_keeps() const override { return options_.keeps; }
  bool wants_input() const override { return awaited_.size() < options_.most; }
  void on_held_up(Now now, std::string_view) override {
    if (!deadline_) arm(now);
  }

  std::optional<std::chrono::milliseconds> deadline() const override { return deadline_; }
  void on_deadline(Now, BatchWriter&, Replies& replies) override {
    deadline_.reset();
    replies.send("tick\n");
  }

 private:
  void take(std::string_view frame, BatchWriter& writer) {
    if (frame.empty()) return writer.skip_empty();
    writer.add(frame, kFrameWhole, Shape::kOpaque);
    if (++frames_ % options_.every == 0) awaited_.emplace_back(writer.acknowledge_later(), frames_);
  }
  void arm(Now now) {
    if (options_.tick.count() != 0) deadline_ = now.monotonic + options_.tick;
  }

  AckOptions options_;
  std::size_t frames_ = 0;
  std::deque<std::pair<BatchId, std::size_t>> awaited_;
  std::optional<std::chrono::milliseconds> deadline_;
};

/// `ack N` for every N-th of `frames`.
inline std::string acks(std::size_t frames, std::size_t every = 1, std::size_t first = 1) {
  std::string all;
  for (std::size_t n = first; n <= frames; ++n) {
    if (n % every == 0) all += "ack " + std::to_string(n) + "\n";
  }
  return all;
}

}  // namespace penstock::test
