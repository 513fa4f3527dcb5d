#include "protocols/influx/decoder.h"

#include "protocols/framed/framed_decoder.h"
#include "protocols/influx/framer.h"
#include "protocols/influx/parse.h"

namespace penstock {
namespace {

class InfluxHandler final : public FrameHandler {
 public:
  InfluxHandler(const FramingOptions& framing, const InfluxOptions& options)
      : framing_(framing), parser_(options) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape form,
                FrameContext& context) override {
    BatchWriter& writer = context.writer;
    if (influx::is_blank_or_comment(frame)) {
      writer.counts().framing_bytes += frame.size();
      return writer.skip_empty();
    }
    if ((flags & kFrameTruncated) != 0)
      return take_unparsed(framing_, frame, flags, form, kCutOff, writer);
    add_parsed(framing_, frame, flags, form, EventShape::kMetric, writer,
               [&](FieldWriter& fields) { return parser_.parse(frame, fields); });
  }

 private:
  const FramingOptions framing_;
  influx::LineParser parser_;
};

class InfluxDecoder final : public FramedDecoder<influx::LineFramer, InfluxHandler> {
 public:
  using FramedDecoder::FramedDecoder;

  void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter& writer,
                   Replies& replies) override {
    const std::size_t missing = wire_bytes - std::min(wire_bytes, input.size());
    if (input.empty() && missing == 0) return writer.skip_empty();
    FrameContext context{writer, &replies};
    influx::LineFramer framer(options().max_frame_bytes);
    const std::string_view last = take_lines(framer, input, context);
    if (framer.skipping()) return take_rest(options(), last.size() + missing, writer);
    take_last_line(framer, last, missing, context);
  }

 private:
  /// Gives what follows the last LF.
  std::string_view take_lines(influx::LineFramer& framer, std::string_view input,
                              FrameContext& context) {
    while (!input.empty()) {
      const FrameResult found = framer.next(input);
      if (found.status == FrameStatus::kNeedMore) break;
      context.writer.counts().framing_bytes += found.framing;
      if (found.status == FrameStatus::kTruncated)
        take_oversize(options(), found.frame, handler(), context);
      else if (found.status == FrameStatus::kSkipping)
        take_rest(options(), found.consumed - found.framing, context.writer);
      else if (found.frame.empty())
        context.writer.skip_empty();
      else
        handler().on_frame(found.frame, kFrameWhole, Shape::kOpaque, context);
      input.remove_prefix(found.consumed);
    }
    return input;
  }

  /// `missing`: bytes behind it that the kernel cut off.
  void take_last_line(const influx::LineFramer& framer, std::string_view line, std::size_t missing,
                      FrameContext& context) {
    if (missing != 0) {
      const std::string_view head = line.substr(0, options().max_frame_bytes);
      take_oversize(options(), head, handler(), context);
      return take_rest(options(), line.size() - head.size() + missing, context.writer);
    }
    const std::size_t cr = framer.tail_back(line);
    context.writer.counts().framing_bytes += cr;
    line.remove_suffix(cr);
    if (!line.empty()) handler().on_frame(line, kFrameWhole, Shape::kOpaque, context);
  }
};

}  // namespace

std::unique_ptr<Decoder> make_influx_decoder(const FramingOptions& framing,
                                             const InfluxOptions& options) {
  return std::make_unique<InfluxDecoder>(framing, influx::LineFramer(framing.max_frame_bytes),
                                         InfluxHandler(framing, options));
}

}  // namespace penstock
