#include "protocols/raw/decoder.h"

#include "protocols/core/check.h"
#include "protocols/framing/newline.h"
#include "protocols/framing/octet_counted.h"
#include "protocols/framing/syslog_auto.h"
#include "protocols/raw/policy.h"

namespace penstock {
namespace {

// A template, so that the framer is inlined into the loop over a read's frames.
template <class Framer>
class RawDecoder final : public Decoder {
 public:
  static_assert(Framer::kExtraBytes <= kRawExtraBytes);

  RawDecoder(const RawOptions& options, Framer framer) noexcept
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
    return {input.size() - rest.size(), nullptr};
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
    take_tail(options_, cause, tail, writer);
  }

 private:
  // Everything but a whole frame; `rest` is what follows it.
  void take_odd(const FrameResult& found, std::string_view rest, BatchWriter& writer) {
    if (found.status == FrameStatus::kSkipping)
      return take_rest(options_, found.consumed - found.framing, writer);
    if (found.status == FrameStatus::kTruncated) {
      take_oversize(options_, found.frame, writer);
      if (options_.oversize != RawOptions::Oversize::kClose) return;
      return give_up(Reason::kOversize, "frame longer than max_frame_bytes", rest, writer);
    }
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

  RawOptions options_;
  Framer framer_;
  Reason broken_reason_ = Reason::kMalformed;
  const char* broken_ = nullptr;  // set: nothing more is decoded
};

template <class Framer>
std::unique_ptr<Decoder> make(const RawOptions& options, Framer framer) {
  return std::make_unique<RawDecoder<Framer>>(options, framer);
}

}  // namespace

std::unique_ptr<Decoder> make_raw_decoder(const RawOptions& options) {
  using Framing = RawOptions::Framing;
  const std::size_t max = options.max_frame_bytes;
  PENSTOCK_CHECK(max >= 1 && max <= kMaxFrameBytes);
  switch (options.framing) {
    case Framing::kNewline: break;
    case Framing::kNul: return make(options, NewlineFramer(max, '\0'));
    case Framing::kOctetCounted: return make(options, OctetCountedFramer(max));
    case Framing::kSyslogAuto: return make(options, SyslogAutoFramer(max));
  }
  return make(options, NewlineFramer(max));
}

}  // namespace penstock
