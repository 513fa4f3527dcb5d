#include "protocols/raw/decoder.h"

#include <utility>

#include "protocols/core/check.h"
#include "protocols/framing/delimiter.h"
#include "protocols/framing/fixed.h"
#include "protocols/framing/length_prefixed.h"
#include "protocols/framing/newline.h"
#include "protocols/framing/none.h"
#include "protocols/framing/octet_counted.h"
#include "protocols/framing/syslog_auto.h"
#include "protocols/framing/varint.h"
#include "protocols/json/framer.h"
#include "protocols/raw/policy.h"

namespace penstock {
namespace {

// A template, so that the framer is inlined into the loop over a read's frames.
template <class Framer>
class RawDecoder final : public Decoder {
 public:
  static_assert(Framer::kExtraBytes <= kRawExtraBytes);

  RawDecoder(const FramingOptions& options, Framer framer) noexcept
      : options_(options), framer_(framer) {}

  Consumed on_bytes(std::string_view input, Now, BatchWriter& writer, Replies&) override {
    if (broken_ != nullptr) return discard(input, writer);
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
          writer.add(found.frame, kFrameWhole, found.line ? Shape::kLine : Shape::kOpaque);
      } else if (take_odd(found, rest, writer); broken_ != nullptr) {
        return {input.size(), broken_, broken_reason_};
      }
    }
    return {.bytes = input.size() - rest.size(), .rejected = std::exchange(rejected_, nullptr)};
  }

  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies&) override {
    take_datagram(options_, input, wire_bytes, writer);
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
    take_unconsumed(cause, tail, writer);
  }

 private:
  TailKind tail_kind() const noexcept {
    if constexpr (requires { framer_.tail_kind(); })
      return framer_.tail_kind();
    else
      return TailKind::kUnfinished;
  }

  void take_unconsumed(EndReason cause, std::string_view tail, BatchWriter& writer) const {
    if (tail.empty()) return;
    switch (tail_kind()) {
      case TailKind::kRest: return take_rest(options_, tail.size(), writer);
      case TailKind::kRejected: return writer.reject(Reason::kMalformed, tail);
      case TailKind::kEndsWithStream:
        if (cause == EndReason::kFin) return take_last(tail, writer);
        break;
      case TailKind::kUnfinished: break;
    }
    take_tail(options_, cause, tail, writer);
  }

  void take_last(std::string_view frame, BatchWriter& writer) const {
    if constexpr (requires { framer_.tail_problem(frame); }) {
      if (framer_.tail_problem(frame) != nullptr) return writer.reject(Reason::kMalformed, frame);
    }
    writer.add(frame, kFrameWhole, Shape::kOpaque);
  }

  // Everything but a whole frame; `rest` is what follows it.
  void take_odd(const FrameResult& found, std::string_view rest, BatchWriter& writer) {
    if (found.status == FrameStatus::kSkipping)
      return take_rest(options_, found.consumed - found.framing, writer);
    if (found.status == FrameStatus::kTruncated) {
      take_oversize(options_, found.frame, writer);
      if (options_.oversize != Oversize::kClose) return;
      return give_up(Reason::kOversize, "frame longer than max_frame_bytes", rest, writer);
    }
    if (found.status == FrameStatus::kRejected) {
      rejected_ = found.why;
      return writer.reject(Reason::kMalformed, found.frame);
    }
    if (found.status == FrameStatus::kDiscarding)
      return writer.discard(Reason::kMalformed, found.consumed - found.framing);
    const std::string_view head = rest.substr(0, options_.max_frame_bytes);
    writer.reject(Reason::kMalformed, head);
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
  Reason broken_reason_ = Reason::kMalformed;
  const char* broken_ = nullptr;    // set: nothing more is decoded
  const char* rejected_ = nullptr;  // why the last frame refused in this call was
};

template <class Framer>
std::unique_ptr<Decoder> make(const FramingOptions& options, Framer framer) {
  return std::make_unique<RawDecoder<Framer>>(options, framer);
}

}  // namespace

std::unique_ptr<Decoder> make_raw_decoder(const FramingOptions& options) {
  const std::size_t max = options.max_frame_bytes;
  PENSTOCK_CHECK(max >= 1 && max <= kMaxFrameBytes);
  switch (options.framing) {
    case Framing::kNewline: break;
    case Framing::kNul: return make(options, NewlineFramer(max, '\0'));
    case Framing::kOctetCounted: return make(options, OctetCountedFramer(max));
    case Framing::kSyslogAuto: return make(options, SyslogAutoFramer(max));
    case Framing::kDelimiter: return make(options, DelimiterFramer(max, options.delimiter));
    case Framing::kLengthPrefixed: return make(options, LengthPrefixedFramer(max, options.length));
    case Framing::kVarint: return make(options, VarintFramer(max));
    case Framing::kFixed:
      PENSTOCK_CHECK(options.frame_bytes >= 1 && options.frame_bytes <= max);
      return make(options, FixedFramer(options.frame_bytes));
    case Framing::kJson: return make(options, ValidJsonFramer(max));
    case Framing::kNone: return make(options, NoneFramer(max));
  }
  return make(options, NewlineFramer(max));
}

}  // namespace penstock
