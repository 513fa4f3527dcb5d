#include "protocols/statsd/decoder.h"

#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/statsd/parse.h"

namespace penstock {

std::unique_ptr<Decoder> make_statsd_decoder(const FramingOptions& framing) {
  using Handler = EventPerFrame<decltype(&statsd::parse_statsd)>;
  return make_framed_decoder(
      framing, std::make_unique<Handler>(framing, EventShape::kMetric, &statsd::parse_statsd));
}

}  // namespace penstock
