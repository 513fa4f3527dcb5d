#include "protocols/statsd/decoder.h"

#include <optional>
#include <string>
#include <vector>

#include "protocols/framed/decoder.h"
#include "protocols/framed/frame_handler.h"
#include "protocols/statsd/parse.h"
#include "protocols/statsd/sampler.h"
#include "protocols/statsd/several.h"

namespace penstock {
namespace {

/// Of metrics that its listener aggregates, samples; of all else, and of what the aggregate does not take, events.
class StatsdHandler final : public FrameHandler {
 public:
  /// `aggregate`: null where the listener has none.
  StatsdHandler(const FramingOptions& framing, std::shared_ptr<statsd::SeriesAggregate> aggregate)
      : framing_(framing) {
    if (aggregate != nullptr) sampler_.emplace(std::move(aggregate));
  }

  void on_frame(std::string_view frame, std::uint8_t flags, Shape form,
                FrameContext& context) override {
    BatchWriter& writer = context.writer;
    if ((flags & kFrameTruncated) != 0)
      return take_unparsed(framing_, frame, flags, form, kCutOff, writer);
    if (flags == kFrameWhole && take_sample(frame, frame.size(), writer)) return;
    FieldWriter fields = writer.begin_event(frame, EventShape::kMetric);
    const Problem problem = statsd::parse_statsd(frame, fields);
    if (!problem) return writer.add_event(fields, flags, form);
    fields.forget();
    if (flags == kFrameWhole && statsd::split_several(frame, lines_))
      return take_lines(frame.size(), writer);
    take_unparsed(framing_, frame, flags, form, problem, writer);
  }

 private:
  bool take_sample(std::string_view line, std::size_t wire_bytes, BatchWriter& writer) {
    using Taken = statsd::Sampler::Taken;
    const Taken taken = sampler_ ? sampler_->take(line) : Taken::kNo;
    if (taken == Taken::kYes) writer.take_aggregated(wire_bytes);
    if (taken == Taken::kNoRoom) ++writer.counts().unaggregated;
    return taken == Taken::kYes;
  }

  /// The bytes of the frame that they were are counted with the first.
  void take_lines(std::size_t wire_bytes, BatchWriter& writer) {
    for (const std::string& line : lines_) {
      take_line(line, wire_bytes, writer);
      wire_bytes = 0;
    }
  }

  void take_line(std::string_view line, std::size_t wire_bytes, BatchWriter& writer) {
    if (take_sample(line, wire_bytes, writer)) return;
    add_parsed_anew(framing_, line, wire_bytes, EventShape::kMetric, writer,
                    [&](FieldWriter& fields) { return statsd::parse_statsd(line, fields); });
  }

  const FramingOptions framing_;
  std::optional<statsd::Sampler> sampler_;
  std::vector<std::string> lines_;
};

}  // namespace

std::unique_ptr<Decoder> make_statsd_decoder(const FramingOptions& framing,
                                             const StatsdOptions& options) {
  return make_framed_decoder(framing, std::make_unique<StatsdHandler>(framing, options.aggregate));
}

}  // namespace penstock
