#include "protocols/framed/decoder.h"

#include <utility>

#include "protocols/core/check.h"
#include "protocols/framed/policy.h"
#include "protocols/framing/delimiter.h"
#include "protocols/framing/fixed.h"
#include "protocols/framing/length_prefixed.h"
#include "protocols/framing/newline.h"
#include "protocols/framing/none.h"
#include "protocols/framing/octet_counted.h"
#include "protocols/framing/syslog_auto.h"
#include "protocols/framing/varint.h"
#include "protocols/json/framer.h"

namespace penstock {
namespace {

/// Raw: a frame is a record.
struct RecordHandler final : FrameHandler {
  void on_frame(std::string_view frame, std::uint8_t flags, Shape shape,
                FrameContext& context) override {
    context.writer.add(frame, flags, shape);
  }
};

/// Any other protocol's.
class GivenHandler final : public FrameHandler {
 public:
  explicit GivenHandler(std::unique_ptr<FrameHandler> handler) noexcept
      : handler_(std::move(handler)) {}
  void on_frame(std::string_view frame, std::uint8_t flags, Shape shape,
                FrameContext& context) override {
    handler_->on_frame(frame, flags, shape, context);
  }

 private:
  std::unique_ptr<FrameHandler> handler_;
};

// A template, so that the framer, and what raw makes of a frame, are inlined into the loop over a read's frames.
template <class Framer, class Handler>
class FramedDecoder final : public Decoder {
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
        if (found.frame.empty())
          writer.skip_empty();
        else
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
      if (const char* why = framer_.tail_problem(frame); why != nullptr)
        return context.writer.reject(Reason::kMalformed, frame, Problem{why});
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
      return writer.reject(Reason::kMalformed, found.frame, Problem{found.why});
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

template <class Handler, class Framer>
std::unique_ptr<Decoder> make(const FramingOptions& options, Handler handler, Framer framer) {
  return std::make_unique<FramedDecoder<Framer, Handler>>(options, framer, std::move(handler));
}

template <class Handler>
std::unique_ptr<Decoder> make_for(const FramingOptions& options, Handler handler) {
  const std::size_t max = options.max_frame_bytes;
  PENSTOCK_CHECK(max >= 1 && max <= kMaxFrameBytes);
  const auto with = [&](auto framer) { return make(options, std::move(handler), framer); };
  switch (options.framing) {
    case Framing::kNewline: break;
    case Framing::kNul: return with(NewlineFramer(max, '\0'));
    case Framing::kOctetCounted: return with(OctetCountedFramer(max));
    case Framing::kSyslogAuto: return with(SyslogAutoFramer(max));
    case Framing::kDelimiter: return with(DelimiterFramer(max, options.delimiter));
    case Framing::kLengthPrefixed: return with(LengthPrefixedFramer(max, options.length));
    case Framing::kVarint: return with(VarintFramer(max));
    case Framing::kFixed:
      PENSTOCK_CHECK(options.frame_bytes >= 1 && options.frame_bytes <= max);
      return with(FixedFramer(options.frame_bytes));
    case Framing::kJson: return with(ValidJsonFramer(max));
    case Framing::kNone: return with(NoneFramer(max));
  }
  return with(NewlineFramer(max));
}

}  // namespace

std::unique_ptr<Decoder> make_framed_decoder(const FramingOptions& options,
                                             std::unique_ptr<FrameHandler> handler) {
  return make_for(options, GivenHandler(std::move(handler)));
}

std::unique_ptr<Decoder> make_unhandled_decoder(const FramingOptions& options) {
  return make_for(options, RecordHandler());
}

}  // namespace penstock
