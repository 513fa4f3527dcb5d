#include "protocols/framing/length_prefixed.h"

#include <algorithm>

namespace penstock {
namespace {

std::uint64_t read_number(std::string_view bytes, std::endian order) noexcept {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t at = order == std::endian::big ? i : bytes.size() - 1 - i;
    number = number << 8 | static_cast<unsigned char>(bytes[at]);
  }
  return number;
}

}  // namespace

FrameResult LengthPrefixedFramer::next(std::string_view input) noexcept {
  if (payload_.skipping()) return payload_.skip(input);
  const std::size_t header = field_.header_bytes();
  if (!known_) {
    if (input.size() < header) return {};
    length_ = read_number(input.substr(field_.offset, field_.bytes), field_.order);
    if (field_.includes_header) {
      if (length_ < header)
        return {.status = FrameStatus::kMalformed, .why = "length smaller than its own header"};
      length_ -= header;
    }
    known_ = true;
  }
  const FrameResult result = payload_.next(input, header, length_);
  known_ = result.status == FrameStatus::kNeedMore;
  return result;
}

std::size_t LengthPrefixedFramer::tail_front(std::string_view tail) const noexcept {
  return std::min(field_.header_bytes(), tail.size());
}

}  // namespace penstock
