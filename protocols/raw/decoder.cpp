#include "protocols/raw/decoder.h"

#include "protocols/framed/decoder.h"

namespace penstock {

std::unique_ptr<Decoder> make_raw_decoder(const FramingOptions& options) {
  return make_unhandled_decoder(options);
}

}  // namespace penstock
