#include "protocols/relp/decoder.h"

#include <algorithm>
#include <string>

#include "protocols/acked/given_up.h"
#include "protocols/acked/pending_acks.h"
#include "protocols/framed/policy.h"
#include "protocols/relp/header.h"
#include "protocols/syslog/handler.h"

namespace penstock {
namespace {

constexpr std::string_view kAccepted = "200 OK";
constexpr std::string_view kOffers =
    "200 OK\nrelp_version=0\nrelp_software=penstock\ncommands=syslog";
constexpr std::string_view kUnknownCommand = "500 unknown command";
constexpr std::string_view kServerClose = "0 serverclose 0\n";

std::string response(std::uint32_t txnr, std::string_view data) {
  std::string frame = std::to_string(txnr) + " rsp " + std::to_string(data.size());
  if (!data.empty()) frame.append(" ").append(data);
  return frame + '\n';
}

class RelpDecoder final : public Decoder {
 public:
  RelpDecoder(const FramingOptions& framing, const RelpOptions& relp, const SyslogOptions& syslog)
      : framing_(framing), relp_(relp), messages_(make_syslog_handler(framing, syslog)) {}

  Consumed on_bytes(std::string_view input, Now, BatchWriter& writer, Replies& replies) override {
    if (said_goodbye()) given_up_.after_goodbye();
    if (given_up_) return given_up_.discard(input, writer);
    FrameContext context{writer, &replies};
    std::string_view rest = input;
    while (!rest.empty()) {
      const std::size_t taken = take(rest, context);
      if (given_up_) return given_up_.consumed(input.size());
      if (taken == 0) break;
      rest.remove_prefix(taken);
    }
    unfinished_ = !rest.empty() || behind_head_;
    return {.bytes = input.size() - rest.size()};
  }

  /// The table gives it streams only.
  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies&) override {
    refuse_datagram(input, wire_bytes, "RELP is spoken over streams", writer);
  }

  void on_end(EndReason cause, std::string_view tail, BatchWriter& writer) override {
    unfinished_ = false;
    if (behind_head_ && !given_up_)
      take_rest(framing_, tail.size(), writer);
    else
      given_up_.end(cause, tail, writer);
  }

  void on_complete(BatchId id, Outcome, Replies& replies) override {
    std::string answers;
    pending_.complete(id, [&](std::uint32_t txnr) { answers += response(txnr, kAccepted); });
    if (!answers.empty()) replies.send(answers);
    if (pending_.empty() && close_txnr_ != 0) answer_close(replies);
  }

  void on_drain(Replies&) override { draining_ = true; }
  bool quiescent() const override {
    return pending_.empty() && !(draining_ && unfinished_ && !given_up_);
  }
  bool replies() const override { return true; }
  bool wants_input() const override { return pending_.size() < relp_.max_window; }

 private:
  enum class Session : std::uint8_t { kNew, kOpen, kClosed };

  bool said_goodbye() const noexcept { return draining_ && quiescent(); }

  /// One frame, or a piece of an oversize one, at the front of `input`. 0: more is needed.
  std::size_t take(std::string_view input, FrameContext& context) {
    if (behind_head_) return take_behind_head(input, context);
    const relp::Header header = relp::parse_header(input);
    if (header.status == relp::Header::Status::kNeedMore) return 0;
    if (header.status == relp::Header::Status::kMalformed)
      return give_up({header.why, header.at}, input, context);
    if (header.data_bytes > framing_.max_frame_bytes) return take_head(header, input, context);
    const std::size_t end = header.header_bytes + header.data_bytes;
    if (input.size() <= end) return 0;
    if (input[end] != '\n') return give_up({"no LF behind the data", end}, input, context);
    if (!obey(header, input.substr(header.header_bytes, header.data_bytes), context)) {
      return give_up({refusal_}, input, context);
    }
    return end + 1;
  }

  /// The front of a frame that is too long, and what the options make of it.
  std::size_t take_head(const relp::Header& header, std::string_view input, FrameContext& context) {
    if (!is_message(header, context)) return give_up({refusal_}, input, context);
    if (framing_.oversize == Oversize::kClose) {
      given_up_.because(Reason::kOversize, {"data longer than max_frame_bytes"}, input,
                        framing_.max_frame_bytes, context.writer);
      return input.size();
    }
    const std::size_t head_end = header.header_bytes + framing_.max_frame_bytes;
    if (input.size() < head_end) return 0;
    context.writer.counts().framing_bytes += header.header_bytes;
    take_oversize(framing_, input.substr(header.header_bytes, framing_.max_frame_bytes), *messages_,
                  context);
    behind_head_ = true;
    left_ = header.data_bytes - framing_.max_frame_bytes;
    long_txnr_ = header.txnr;
    return head_end;
  }

  std::size_t take_behind_head(std::string_view input, FrameContext& context) {
    const std::size_t bytes = std::min(left_, input.size());
    take_rest(framing_, bytes, context.writer);
    left_ -= bytes;
    if (bytes == input.size()) return bytes;
    if (input[bytes] != '\n')
      return give_up({"no LF behind the data"}, input.substr(bytes), context);
    ++context.writer.counts().framing_bytes;
    behind_head_ = false;
    acknowledge(long_txnr_, context);
    return bytes + 1;
  }

  /// False: `refusal_` says why.
  bool obey(const relp::Header& header, std::string_view data, FrameContext& context) {
    if (header.command == "syslog") {
      if (!is_message(header, context)) return false;
      take_message(header, data, context);
      return true;
    }
    if (!converse(header, context)) return false;
    context.writer.counts().framing_bytes += header.header_bytes + data.size() + 1;
    return true;
  }

  bool refuse(const char* why) noexcept {
    refusal_ = why;
    return false;
  }

  bool is_message(const relp::Header& header, FrameContext& context) {
    if (header.command != "syslog") return unknown(header, context);
    if (session_ == Session::kNew) return refuse("a syslog command before open");
    if (session_ == Session::kClosed) return refuse("a syslog command behind close");
    return true;
  }

  bool converse(const relp::Header& header, FrameContext& context) {
    if (header.command == "open") {
      if (session_ != Session::kNew) return refuse("a second open command");
      session_ = Session::kOpen;
      context.replies->send(response(header.txnr, kOffers));
      return true;
    }
    if (header.command != "close") return unknown(header, context);
    if (session_ != Session::kOpen) return refuse("a close command without an open session");
    session_ = Session::kClosed;
    close_txnr_ = header.txnr;
    if (pending_.empty()) answer_close(*context.replies);
    return true;
  }

  bool unknown(const relp::Header& header, FrameContext& context) {
    context.replies->send(response(header.txnr, kUnknownCommand));
    return refuse("a command that is none of open, syslog and close");
  }

  void answer_close(Replies& replies) {
    replies.send(response(std::exchange(close_txnr_, 0), {}).append(kServerClose));
    replies.hang_up();
  }

  void take_message(const relp::Header& header, std::string_view data, FrameContext& context) {
    const std::size_t line_end = data.ends_with('\n') ? 1 : 0;
    context.end = data.substr(data.size() - line_end);
    data.remove_suffix(line_end);
    context.writer.counts().framing_bytes += header.header_bytes + line_end + 1;
    if (data.empty())
      context.writer.skip_empty();
    else
      messages_->on_frame(data, kFrameWhole, Shape::kOpaque, context);
    acknowledge(header.txnr, context);
  }

  void acknowledge(std::uint32_t txnr, FrameContext& context) {
    pending_.add(context.writer.acknowledge_later(), txnr);
  }

  std::size_t give_up(const Problem& problem, std::string_view input, FrameContext& context) {
    given_up_.because(Reason::kMalformed, problem, input, framing_.max_frame_bytes, context.writer);
    return input.size();
  }

  const FramingOptions framing_;
  const RelpOptions relp_;
  std::unique_ptr<FrameHandler> messages_;
  PendingAcks<std::uint32_t> pending_;  // transaction numbers
  GivenUp given_up_;
  const char* refusal_ = nullptr;
  Session session_ = Session::kNew;
  std::uint32_t close_txnr_ = 0;  // of a close that is not answered yet; 0: none
  bool draining_ = false;
  bool unfinished_ = false;   // the last read ended inside a frame
  bool behind_head_ = false;  // in a frame that is longer than max_frame_bytes
  std::size_t left_ = 0;      // ... of its data
  std::uint32_t long_txnr_ = 0;
};

}  // namespace

std::unique_ptr<Decoder> make_relp_decoder(const FramingOptions& framing, const RelpOptions& relp,
                                           const SyslogOptions& syslog) {
  return std::make_unique<RelpDecoder>(framing, relp, syslog);
}

}  // namespace penstock
