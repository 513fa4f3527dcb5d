#include "protocols/framing/varint.h"

namespace penstock {
namespace {

constexpr unsigned kBits = 7;            // of the number, in each byte
constexpr unsigned char kMore = 0x80;    // another byte follows
constexpr unsigned char kLastOfTen = 1;  // 9 * 7 bits stand before the tenth byte: one is left

}  // namespace

FrameResult VarintFramer::next(std::string_view input) noexcept {
  if (payload_.skipping()) return payload_.skip(input);
  if (!header_whole_) {
    switch (parse_header(input)) {
      case Header::kCut: return {};
      case Header::kBad:
        return {.status = FrameStatus::kMalformed, .why = "length of more than 64 bits"};
      case Header::kWhole: break;
    }
  }
  const FrameResult result = payload_.next(input, header_, length_);
  if (result.status != FrameStatus::kNeedMore) {
    length_ = 0;
    header_ = 0;
    header_whole_ = false;
  }
  return result;
}

VarintFramer::Header VarintFramer::parse_header(std::string_view input) noexcept {
  while (header_ < input.size()) {
    const auto byte = static_cast<unsigned char>(input[header_]);
    if (header_ + 1u == kExtraBytes && byte > kLastOfTen) return Header::kBad;
    length_ |= std::uint64_t{byte & 0x7fu} << (kBits * header_);
    ++header_;
    if ((byte & kMore) != 0) continue;
    header_whole_ = true;
    return Header::kWhole;
  }
  return Header::kCut;
}

}  // namespace penstock
