#include "server/sinks/message_headers.h"

#include "protocols/core/utc_text.h"

namespace penstock {

std::array<MessageHeader, 4> message_headers(const Segment& segment) {
  return {{{"listener", segment.origin->listener},
           {"url", segment.origin->url},
           {"peer", to_string(segment.peer)},
           {"time", utc_text(segment.time_ns)}}};
}

}  // namespace penstock
