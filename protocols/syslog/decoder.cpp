#include "protocols/syslog/decoder.h"

#include "protocols/framed/decoder.h"
#include "protocols/syslog/handler.h"

namespace penstock {

std::unique_ptr<Decoder> make_syslog_decoder(const FramingOptions& framing,
                                             const SyslogOptions& options) {
  return make_framed_decoder(framing, make_syslog_handler(framing, options));
}

}  // namespace penstock
