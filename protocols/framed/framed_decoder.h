#pragma once

#include <utility>

#include "protocols/framed/decoder.h"
#include "protocols/framed/policy.h"

namespace penstock {

/// A decoder of frames that `Framer` finds and `Handler` (a FrameHandler) takes: what make_framed_decoder gives, for protocols
/// that bring a framer of their own. A template, so that the framer, and what raw makes of a frame, are inlined into the
/// loop over a read's frames. Datagrams go by `options.split`, which an heir may change.
template <class Framer, class Handler>
class FramedDecoder : public Decoder {
 public:
  static_assert(Framer::kExtraBytes <= kFramedExtraBytes);

  FramedDecoder(const FramingOptions& options, Framer framer, Handler handler) noexcept
      : options_(options), framer_(framer), handler_(std::move(handler)) {}

  Consumed on_bytes(std::string_view input, Now, BatchWriter& writer, Replies& replies) override {
    if (broken_ != nullptr) return discard(input, writer);
    FrameContext context{writer, &replies};
    std::string_view rest = input;
    while (!rest.empty()) {
      const FrameResult found = framer_.next(rest);
      if (found.status == FrameStatus::kNeedMore) break;
      writer.counts().framing_bytes += found.framing;
      rest.remove_prefix(found.consumed);
      if (found.status == FrameStatus::kFrame) [[likely]] {
        if (found.frame.empty()) {
          writer.skip_empty();
          continue;
        }
        const char* end = found.frame.data() + found.frame.size();
        context.end = {end, static_cast<std::size_t>(rest.data() - end)};
        handler_.on_frame(found.frame, kFrameWhole, found.line ? Shape::kLine : Shape::kOpaque,
                          context);
      } else if (take_odd(found, rest, context); broken_ != nullptr) {
        return {input.size(), broken_, broken_reason_};
      }
    }
    return {.bytes = input.size() - rest.size()};
  }

  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies& replies) override {
    FrameContext context{writer, &replies};
    take_datagram(options_, input, wire_bytes, handler_, context);
  }

  void on_end(EndReason cause, std::string_view tail, BatchWriter& writer) override {
    if (broken_ != nullptr) {
      discard(tail, writer);
      return;
    }
    const std::size_t front = framer_.tail_front(tail);
    tail.remove_prefix(front);
    const std::size_t back = framer_.tail_back(tail);
    tail.remove_suffix(back);
    writer.counts().framing_bytes += front + back;
    FrameContext context{writer};
    take_unconsumed(cause, tail, context);
  }

 protected:
  const FramingOptions& options() const noexcept { return options_; }
  Handler& handler() noexcept { return handler_; }

 private:
  TailKind tail_kind() const noexcept {
    if constexpr (requires { framer_.tail_kind(); })
      return framer_.tail_kind();
    else
      return TailKind::kUnfinished;
  }

  void take_unconsumed(EndReason cause, std::string_view tail, FrameContext& context) {
    if (tail.empty()) return;
    BatchWriter& writer = context.writer;
    switch (tail_kind()) {
      case TailKind::kRest: return take_rest(options_, tail.size(), writer);
      case TailKind::kRejected: return writer.reject(Reason::kMalformed, tail);
      case TailKind::kEndsWithStream:
        if (cause == EndReason::kFin) return take_last(tail, context);
        break;
      case TailKind::kUnfinished: break;
    }
    take_tail(options_, cause, tail, handler_, context);
  }

  void take_last(std::string_view frame, FrameContext& context) {
    if constexpr (requires { framer_.tail_problem(frame); }) {
      if (const Problem problem = framer_.tail_problem(frame))
        return context.writer.reject(Reason::kMalformed, frame, problem);
    }
    handler_.on_frame(frame, kFrameWhole, Shape::kOpaque, context);
  }

  // Everything but a whole frame; `rest` is what follows it.
  void take_odd(const FrameResult& found, std::string_view rest, FrameContext& context) {
    BatchWriter& writer = context.writer;
    if (found.status == FrameStatus::kSkipping)
      return take_rest(options_, found.consumed - found.framing, writer);
    if (found.status == FrameStatus::kTruncated) {
      take_oversize(options_, found.frame, handler_, context);
      if (options_.oversize != Oversize::kClose) return;
      return give_up(Reason::kOversize, "frame longer than max_frame_bytes", rest, writer);
    }
    if (found.status == FrameStatus::kRejected)
      return writer.reject(Reason::kMalformed, found.frame, {found.why, found.why_at});
    if (found.status == FrameStatus::kDiscarding)
      return writer.discard(Reason::kMalformed, found.consumed - found.framing);
    const std::string_view head = rest.substr(0, options_.max_frame_bytes);
    writer.reject(Reason::kMalformed, head, Problem{found.why});
    give_up(Reason::kMalformed, found.why, rest.substr(head.size()), writer);
  }

  void give_up(Reason reason, const char* why, std::string_view rest,
               BatchWriter& writer) noexcept {
    broken_ = why;
    broken_reason_ = reason;
    discard(rest, writer);
  }

  Consumed discard(std::string_view input, BatchWriter& writer) const noexcept {
    writer.discard(broken_reason_, input.size());
    return {input.size(), broken_, broken_reason_};
  }

  FramingOptions options_;
  Framer framer_;
  Handler handler_;
  Reason broken_reason_ = Reason::kMalformed;
  const char* broken_ = nullptr;  // set: nothing more is decoded
};

}  // namespace penstock
