#include "protocols/influx/decoder.h"
#include "protocols/influx/framer.h"
#include "tests/fuzz/decoder.h"
#include "tests/fuzz/framer.h"

// Bytes 0 to 2: maximum, cuts, cause, policies and precision; the rest is a stream, and once more datagrams.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  fuzz::Input input(data, size);
  FramingOptions options{.max_frame_bytes = input.byte() + 1u};
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t more = input.byte();
  options.unparsed = static_cast<Unparsed>(more % 2);
  options.oversize = static_cast<Oversize>(more / 2 % 3);
  const InfluxOptions influx{static_cast<InfluxOptions::Precision>(more / 6 % 4)};
  const auto make = [&] { return make_influx_decoder(options, influx); };
  fuzz::check(influx::LineFramer(options.max_frame_bytes), input.payload(), options.max_frame_bytes,
              cuts);
  fuzz::check_stream(make, static_cast<EndReason>(more / 24 % 5), input.payload(), cuts);
  fuzz::check_datagrams(make, input.payload(), cuts);
  return 0;
}
