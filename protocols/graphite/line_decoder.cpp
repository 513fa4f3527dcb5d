#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/graphite/decoder.h"
#include "protocols/graphite/line.h"

namespace penstock {

std::unique_ptr<Decoder> make_graphite_decoder(const FramingOptions& framing) {
  using Handler = EventPerFrame<decltype(&graphite::parse_graphite)>;
  return make_framed_decoder(
      framing, std::make_unique<Handler>(framing, EventShape::kMetric, &graphite::parse_graphite));
}

}  // namespace penstock
