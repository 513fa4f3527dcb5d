#include "protocols/statsd/decoder.h"
#include "tests/fuzz/decoder.h"

// Bytes 0 to 2: maximum, cuts, cause and policies; the rest is a stream, and once more datagrams.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace penstock;
  fuzz::Input input(data, size);
  FramingOptions options{.split = Split::kNewline, .max_frame_bytes = input.byte() + 1u};
  const fuzz::Cuts cuts(input.byte());
  const std::uint8_t more = input.byte();
  options.unparsed = static_cast<Unparsed>(more % 2);
  options.oversize = static_cast<Oversize>(more / 2 % 3);
  const auto make = [&] { return make_statsd_decoder(options); };
  fuzz::check_stream(make, static_cast<EndReason>(more / 6 % 5), input.payload(), cuts);
  fuzz::check_datagrams(make, input.payload(), cuts);
  return 0;
}
