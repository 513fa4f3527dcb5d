#include "protocols/json/decoder.h"

#include "protocols/core/byte_order_mark.h"
#include "protocols/framed/decoder.h"
#include "protocols/framed/event_per_frame.h"
#include "protocols/json/log_record.h"

namespace penstock {
std::unique_ptr<Decoder> make_json_decoder(const FramingOptions& framing,
                                           const JsonOptions& options) {
  return make_framed_decoder(
      framing, make_event_per_frame(framing, EventShape::kLog,
                                    [options](std::string_view frame, FieldWriter& fields) {
                                      return parse_behind_mark(frame, [&](std::string_view object) {
                                        return json_log_record(object, options, fields);
                                      });
                                    }));
}

}  // namespace penstock
