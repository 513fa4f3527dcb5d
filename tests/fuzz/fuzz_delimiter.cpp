#include "protocols/framing/delimiter.h"

#include "tests/fuzz/framer.h"

// Bytes 0 and 1: maximum frame size and cuts; byte 2: size of the delimiter, which follows; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::fuzz::Input input(data, size);
  const std::size_t max = input.byte() % 64 + 1u;
  const penstock::fuzz::Cuts cuts(input.byte());
  const std::size_t bytes = input.byte() % 64 + 1u;
  const std::string_view rest = input.payload(), delimiter = rest.substr(0, bytes);
  if (delimiter.empty()) return 0;
  const penstock::DelimiterFramer framer(max, delimiter);
  penstock::fuzz::check(framer, rest.substr(delimiter.size()), max, cuts);
  return 0;
}
