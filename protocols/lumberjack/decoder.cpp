#include "protocols/lumberjack/decoder.h"

#include <string>
#include <utility>

#include "protocols/acked/given_up.h"
#include "protocols/acked/pending_acks.h"
#include "protocols/compression/message.h"
#include "protocols/framed/frame_handler.h"
#include "protocols/framed/policy.h"
#include "protocols/json/log_record.h"
#include "protocols/lumberjack/frame.h"
#include "protocols/lumberjack/pairs_json.h"

namespace penstock {
namespace {

using lumberjack::Frame;
using lumberjack::FrameLimits;
using lumberjack::FrameScan;

/// Of a broken stream this much goes to the quarantine.
constexpr std::size_t kMaxKeptBytes = std::size_t{64} << 10;
/// What zlib may need more than it compresses.
constexpr std::size_t kZlibExtraBytes = std::size_t{64} << 10;
constexpr std::size_t kSpareJsonBytes = std::size_t{64} << 10;
/// A compressed frame may hold many more than kMaxPendingAcks, before which it is not looked at again.
constexpr std::size_t kMostWindows = 10 * kMaxPendingAcks;

struct Window {
  char version = '2';
  std::uint32_t sequence = 0;
};

class LumberjackDecoder final : public Decoder {
 public:
  LumberjackDecoder(const FramingOptions& framing, const LumberjackOptions& options)
      : options_(options),
        framing_(framing),
        json_{.known_names = true, .limits = options.json},
        limits_{.max_event_bytes = framing.max_frame_bytes,
                .max_pairs = options.max_pairs,
                .max_compressed_bytes = options.max_decompressed_bytes + kZlibExtraBytes},
        decompressor_({.max_bytes = options.max_decompressed_bytes,
                       .max_ratio = options.max_decompressed_ratio,
                       .grace_bytes = kLumberjackGraceBytes,
                       .over_bytes = "more than lumberjack.max_decompressed_bytes",
                       .over_ratio = "more than lumberjack.max_decompressed_ratio"}) {}

  Consumed on_bytes(std::string_view input, Now now, BatchWriter& writer, Replies&) override {
    if (draining_ && quiescent()) given_up_.after_goodbye();
    if (given_up_) return given_up_.discard(input, writer);
    begin_with(input);
    held_up_ = false;
    std::string_view rest = input;
    while (rest.size() >= needed_) {
      Frame frame;
      const FrameScan scan = lumberjack::scan_frame(rest, limits_, frame);
      if (scan.status == FrameScan::Status::kNeedMore) {
        needed_ = scan.bytes;
        break;
      }
      needed_ = 0;
      if (!take(scan, frame, rest, writer)) return given_up_.consumed(input.size());
    }
    unfinished_ = !rest.empty();
    watch(now);
    return {.bytes = input.size() - rest.size()};
  }

  /// The table gives it streams only.
  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies&) override {
    refuse_datagram(input, wire_bytes, "Lumberjack is spoken over streams", writer);
  }

  void on_end(EndReason cause, std::string_view tail, BatchWriter& writer) override {
    unfinished_ = false;
    left_ = 0;
    given_up_.end(cause, tail, writer);
  }

  void on_complete(BatchId id, Outcome, Replies& replies) override {
    std::string acks;
    pending_.complete(id, [&](const Window& window) {
      acks += lumberjack::ack(window.version, window.sequence);
    });
    if (!acks.empty()) replies.send(acks);
    if (!waiting()) deadline_.reset();
  }

  std::optional<std::chrono::milliseconds> deadline() const override { return deadline_; }
  void on_deadline(Now now, BatchWriter&, Replies& replies) override {
    deadline_.reset();
    if (!waiting() || given_up_) return;
    replies.send(lumberjack::ack(window_.version, 0));
    watch(now);
  }

  void on_drain(Replies&) override { draining_ = true; }
  bool quiescent() const override {
    return pending_.empty() && !(draining_ && !given_up_ && (left_ != 0 || unfinished_));
  }
  bool replies() const override { return true; }
  bool wants_input() const override { return pending_.size() < kMaxPendingAcks; }

  /// Its sender cannot know that we have not even read its window.
  void on_held_up(Now now, std::string_view unread) override {
    begin_with(unread);
    held_up_ = true;
    watch(now);
  }

 private:
  /// Its first byte tells the version before there is a window.
  void begin_with(std::string_view input) noexcept {
    if (!std::exchange(started_, true)) window_.version = input.front();
  }

  /// A sender has reason to wait for an acknowledgement.
  bool waiting() const noexcept { return left_ != 0 || !pending_.empty() || held_up_; }

  /// Not for version 1: to logstash-forwarder any acknowledgement means all of its window.
  void watch(Now now) {
    if (options_.keepalive.count() != 0 && window_.version == '2' && waiting() && !deadline_)
      deadline_ = now.monotonic + options_.keepalive;
  }

  /// Takes what was found off the front of `rest`. False: given up.
  bool take(const FrameScan& scan, const Frame& frame, std::string_view& rest,
            BatchWriter& writer) {
    if (scan.status != FrameScan::Status::kWhole) {
      const bool oversize = scan.status == FrameScan::Status::kTooLong;
      return give_up(oversize ? Reason::kOversize : Reason::kMalformed, scan.problem, rest, writer);
    }
    if (frame.type == Frame::Type::kCompressed) return take_compressed(scan, frame, rest, writer);
    if (const Problem problem = take_plain(frame, scan.bytes, writer))
      return give_up(Reason::kMalformed, problem, rest, writer);
    rest.remove_prefix(scan.bytes);
    return true;
  }

  bool give_up(Reason reason, const Problem& problem, std::string_view rest, BatchWriter& writer) {
    given_up_.because(reason, problem, rest, kMaxKeptBytes, writer);
    deadline_.reset();
    return false;
  }

  bool take_compressed(const FrameScan& scan, const Frame& frame, std::string_view& rest,
                       BatchWriter& writer) {
    if (frame.body.empty())
      return give_up(Reason::kUndecodable, {"a compressed frame without bytes", 2}, rest, writer);
    const TrimAtEnd trim(decompressor_);
    const auto done = decompressor_.decompress(Coding::kZlib, frame.body);
    if (!done.whole()) return give_up(done.reason(), {done.why}, rest, writer);
    FrameCounts& counts = writer.counts();
    counts.framing_bytes += scan.bytes - frame.body.size();
    counts.compressed_bytes += frame.body.size();
    counts.decompressed_bytes += done.bytes.size();
    rest.remove_prefix(scan.bytes);
    const bool taken = take_inner(done.bytes, writer);
    if (!taken) (void)given_up_.discard(rest, writer);
    return taken;
  }

  /// What came out of a compressed frame: whole frames.
  bool take_inner(std::string_view frames, BatchWriter& writer) {
    while (!frames.empty()) {
      Frame frame;
      const FrameScan scan = lumberjack::scan_frame(frames, limits_, frame);
      if (scan.status == FrameScan::Status::kNeedMore)
        return give_up(Reason::kMalformed, {"a compressed frame ends inside of another", 0}, frames,
                       writer);
      if (scan.status == FrameScan::Status::kWhole && frame.type == Frame::Type::kCompressed)
        return give_up(Reason::kMalformed, {"a compressed frame in a compressed one", 1}, frames,
                       writer);
      if (!take(scan, frame, frames, writer)) return false;
    }
    return true;
  }

  Problem take_plain(const Frame& frame, std::size_t frame_bytes, BatchWriter& writer) {
    if (frame.type == Frame::Type::kWindow) {
      if (const Problem problem = open_window(frame)) return problem;
      writer.counts().framing_bytes += frame_bytes;
      return {};
    }
    if (left_ == 0) return {"an event outside of a window", 1};
    if (frame.type == Frame::Type::kJson)
      add_json(frame.body, writer);
    else if (const Problem problem = add_pairs(frame.body, writer))
      return {problem.why, frame_bytes - frame.body.size() + problem.at};
    writer.counts().framing_bytes += frame_bytes - frame.body.size();
    if (--left_ == 0) pending_.add(writer.acknowledge_later(), {window_.version, frame.number});
    return {};
  }

  Problem open_window(const Frame& frame) {
    if (left_ != 0) return {"a window before the end of the last one", 1};
    if (pending_.size() >= kMostWindows)
      return {"more than 100000 windows without an acknowledgement", 0};
    if (frame.number > options_.max_window)
      return {"a window larger than lumberjack.max_window", 2};
    window_.version = frame.version;
    left_ = frame.number;
    return {};
  }

  /// One that is not in form goes on unparsed: its sender would send it, and all of its window, again for ever.
  void add_json(std::string_view json, BatchWriter& writer) {
    if (json.empty()) return writer.skip_empty();
    add_parsed(framing_, json, kFrameWhole, Shape::kOpaque, EventShape::kLog, writer,
               [&](FieldWriter& fields) { return json_log_record(json, json_, fields); });
  }

  Problem add_pairs(std::string_view body, BatchWriter& writer) {
    lumberjack::render_pairs(body, rendered_);
    if (rendered_.size() > kMaxFrameBytes) return {"an event longer than 16 MiB as JSON", 0};
    FieldWriter fields = writer.begin_event(rendered_, EventShape::kLog);
    std::string_view key, value;
    for (lumberjack::Pairs pairs(body); pairs.next(key, value);) {
      if (key == "line") fields.string(Field::kMessage, value);
    }
    const auto open = fields.begin_map(Field::kFields);
    for (lumberjack::Pairs pairs(body); pairs.next(key, value);) {
      if (key != "line") fields.string(key, value);
    }
    fields.end(open);
    writer.add_event(fields, kFrameWhole, Shape::kOpaque, body.size());
    if (rendered_.capacity() > kSpareJsonBytes) rendered_ = std::string();
    return {};
  }

  const LumberjackOptions options_;
  const FramingOptions framing_;
  const JsonOptions json_;
  const FrameLimits limits_;
  MessageDecompressor decompressor_;
  std::string rendered_;  // an event of version 1 as JSON
  PendingAcks<Window> pending_;
  GivenUp given_up_;
  std::size_t needed_ = 0;  // with fewer bytes there is no use in looking again
  Window window_;           // the open one, or the last: its version
  std::uint32_t left_ = 0;  // events that are still to come in it
  bool started_ = false;    // there has been a byte
  bool held_up_ = false;    // there are more, which we do not read yet
  bool draining_ = false;
  bool unfinished_ = false;                            // the last read ended inside a frame
  std::optional<std::chrono::milliseconds> deadline_;  // of the next ACK 0
};

}  // namespace

std::unique_ptr<Decoder> make_lumberjack_decoder(const FramingOptions& framing,
                                                 const LumberjackOptions& options) {
  return std::make_unique<LumberjackDecoder>(framing, options);
}

}  // namespace penstock
