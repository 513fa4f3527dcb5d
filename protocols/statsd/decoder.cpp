#include "protocols/statsd/decoder.h"

#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/statsd/parse.h"
#include "protocols/statsd/sampler.h"

namespace penstock {
namespace {

using StatsdEvents = EventPerFrame<decltype(&statsd::parse_statsd)>;

StatsdEvents statsd_events(const FramingOptions& framing) {
  return {framing, EventShape::kMetric, &statsd::parse_statsd};
}

/// Of metrics, samples; of all else, and of what the aggregate does not take, events.
class SampledFrames final : public FrameHandler {
 public:
  SampledFrames(const FramingOptions& framing, std::shared_ptr<statsd::SeriesAggregate> aggregate)
      : sampler_(std::move(aggregate)), events_(statsd_events(framing)) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape form,
                FrameContext& context) override {
    using Taken = statsd::Sampler::Taken;
    const Taken taken = flags == kFrameWhole ? sampler_.take(frame) : Taken::kNo;
    if (taken == Taken::kYes) return context.writer.take_aggregated(frame.size());
    if (taken == Taken::kNoRoom) ++context.writer.counts().unaggregated;
    events_.on_frame(frame, flags, form, context);
  }

 private:
  statsd::Sampler sampler_;
  StatsdEvents events_;
};

}  // namespace

std::unique_ptr<Decoder> make_statsd_decoder(const FramingOptions& framing,
                                             const StatsdOptions& options) {
  if (options.aggregate)
    return make_framed_decoder(framing,
                               std::make_unique<SampledFrames>(framing, options.aggregate));
  return make_framed_decoder(framing, std::make_unique<StatsdEvents>(statsd_events(framing)));
}

}  // namespace penstock
