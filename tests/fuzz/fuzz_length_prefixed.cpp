#include "protocols/framing/length_prefixed.h"

#include "tests/fuzz/framer.h"

// Bytes 0 and 1: maximum frame size and cuts; byte 2: the length field; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  penstock::fuzz::Input input(data, size);
  const std::size_t max = input.byte() % 64 + 1u;
  const penstock::fuzz::Cuts cuts(input.byte());
  const std::uint8_t form = input.byte();
  const penstock::LengthField field{
      .bytes = static_cast<std::uint8_t>(1u << form % 4),
      .order = form / 4 % 2 == 0 ? std::endian::big : std::endian::little,
      .offset = static_cast<std::uint8_t>(form / 16 % 16 == 15 ? 64 : form / 16),
      .includes_header = form / 8 % 2 != 0};
  const penstock::LengthPrefixedFramer framer(max, field);
  penstock::fuzz::check(framer, input.payload(), max, cuts);
  return 0;
}
