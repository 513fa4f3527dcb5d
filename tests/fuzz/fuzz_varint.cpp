#include "protocols/framing/varint.h"

#include "tests/fuzz/framer.h"

// Bytes 0 and 1: maximum frame size and cuts; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::fuzz::Input input(data, size);
  const std::size_t max = input.byte() % 64 + 1u;
  const penstock::fuzz::Cuts cuts(input.byte());
  penstock::fuzz::check(penstock::VarintFramer(max), input.payload(), max, cuts);
  return 0;
}
